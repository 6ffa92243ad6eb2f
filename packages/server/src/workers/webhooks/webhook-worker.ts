import type { LeaseCatalog, WebhookCatalog, WebhookRecord } from "../../catalog/catalog.js";
import type { StepResult, Worker } from "../worker.js";
import { ATTEMPT_MS, Delivery, type DeliveryOptions } from "./delivery.js";

export interface WebhookWorkerOptions extends Omit<DeliveryOptions, "mayDeliver" | "catalog"> {
  readonly catalog: WebhookCatalog & LeaseCatalog;
  /** Tells this node from others that would do the same. */
  readonly holder: string;
  /**
   * Whether the catalog's history goes on from what this node's mirror has. Until two histories are joined the numbers of
   * the mirror may be given out anew: a place that is noted by them would pass over what others then get.
   */
  readonly isTrusted: () => Promise<boolean>;
}

const LEASE = "webhooks";
/** So long after the death of the node that delivers another one takes over: a few polls, and one attempt. */
const LEASE_MS = 15_000;

interface Running {
  readonly webhook: WebhookRecord;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Tells webhooks of changes. One node of the cluster does it at a time: the lease saves receivers from hearing everything
 * twice. A node that stood still and lost the lease without noticing sends nothing: it looks at its clock before.
 */
export class WebhookWorker implements Worker {
  readonly name = "webhooks";
  readonly pollMs = 2_000;
  readonly #options: WebhookWorkerOptions;
  readonly #running = new Map<string, Running>();
  /** By the monotonic clock; counted from before the lease was asked for. */
  #leasedUntilMs = 0;

  constructor(options: WebhookWorkerOptions) {
    this.#options = options;
  }

  async step(): Promise<StepResult> {
    const { catalog, clock, feed, holder } = this.#options;
    // Before the places are read: one that is of a history which ends meanwhile is known to be so.
    const forks = feed.forks.count;
    const askedMs = clock.monotonic();
    if (!(await catalog.acquireLease(LEASE, holder, LEASE_MS))) {
      this.#leasedUntilMs = 0;
      await this.#keepOnly(() => false);
      return "idle";
    }
    this.#leasedUntilMs = askedMs + LEASE_MS;
    const webhooks = await catalog.listWebhooks();
    if (webhooks.length > 0 && !(await this.#options.isTrusted())) {
      await this.#keepOnly(() => false);
      return "idle";
    }
    await this.#keepOnly((webhook) => webhooks.some((other) => isSame(other, webhook)));
    for (const webhook of webhooks) if (!this.#running.has(webhook.id)) this.#start(webhook, forks);
    return "idle";
  }

  async end(): Promise<void> {
    await this.#keepOnly(() => false);
    const { catalog, holder, log } = this.#options;
    // Else another node waits until it has run out, which is no more than that.
    await catalog
      .releaseLease(LEASE, holder)
      .catch((err: unknown) => log.debug({ err }, "the lease is not given back"));
  }

  #start(webhook: WebhookRecord, forks: number): void {
    const stopping = new AbortController();
    const mayDeliver = () => this.#options.clock.monotonic() + ATTEMPT_MS < this.#leasedUntilMs;
    const ended = new Delivery({ ...this.#options, mayDeliver }, webhook, forks).run(stopping.signal);
    this.#running.set(webhook.id, { webhook, stopping, ended });
  }

  async #keepOnly(keeps: (webhook: WebhookRecord) => boolean): Promise<void> {
    const over = [...this.#running.values()].filter(({ webhook }) => !keeps(webhook));
    for (const { stopping, webhook } of over) {
      stopping.abort();
      this.#running.delete(webhook.id);
    }
    await Promise.all(over.map(({ ended }) => ended));
  }
}

function isSame(a: WebhookRecord, b: WebhookRecord): boolean {
  return a.id === b.id && a.url === b.url && a.namespace === b.namespace && a.prefix === b.prefix;
}
