import type { NodeId } from "@koboldfs/protocol";
import type { Debt, DebtCatalog } from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { BlobFetcher } from "./blob-fetcher.js";
import { DebtBackoff } from "./debt-backoff.js";
import { DebtSettler } from "./debt-settler.js";
import type { StepResult, Worker } from "./worker.js";

export interface RepairWorkerOptions {
  readonly catalog: DebtCatalog;
  readonly cluster: Cluster;
  readonly fetcher: Pick<BlobFetcher, "fetch">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Blobs fetched at the same time: enough to keep a disk's queue and the network busy, few enough to leave both to puts. */
const PARALLEL_FETCHES = 8;
/** Debts read at once. */
const PAGE_DEBTS = 500;
/** Debts looked at in one search for one that can be tried, so that a step stays bounded. */
const MAX_PAGES = 20;
/** While long transfers run, new debts are looked for this often: they do not wait for a large blob. */
const LOOK_AGAIN_MS = 1_000;

/** Works off what this node owes, fewest copies first. */
export class RepairWorker implements Worker {
  readonly name = "repair";
  readonly pollMs = 3_000;
  readonly #options: RepairWorkerOptions;
  readonly #settler: DebtSettler;
  readonly #backoff: DebtBackoff;
  readonly #running = new Map<string, Promise<void>>();
  #queue: Debt[] = [];
  #failure: { error: unknown } | undefined;
  #peersBefore: ReadonlySet<NodeId> = new Set();

  constructor(options: RepairWorkerOptions) {
    this.#options = options;
    this.#settler = new DebtSettler(options.catalog);
    this.#backoff = new DebtBackoff(options.clock);
  }

  /** Keeps the fetches going and resolves when at least one has ended, or after a while. */
  async step(signal: AbortSignal): Promise<StepResult> {
    if (!this.#hasPeers()) return "idle";
    if (this.#queue.length === 0) this.#queue = await this.#listPayable();
    while (this.#running.size < PARALLEL_FETCHES) {
      const debt = this.#queue.shift();
      if (debt === undefined) break;
      const running = this.#pay(debt, signal).finally(() => this.#running.delete(keyOf(debt)));
      this.#running.set(keyOf(debt), running);
    }
    if (this.#running.size === 0) return "idle";
    await this.#waitForOne(signal);
    this.#throwFailure();
    return "busy";
  }

  async #waitForOne(signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([...this.#running.values(), this.#options.clock.sleep(LOOK_AGAIN_MS, waiting.signal)]);
    waiting.abort();
    if (signal.aborted) await Promise.all(this.#running.values());
  }

  /** Never rejects: a failure of this node itself is kept for the step to throw. */
  async #pay(debt: Debt, signal: AbortSignal): Promise<void> {
    try {
      const outcome = await this.#options.fetcher.fetch(debt, signal);
      if (outcome === "absent" || outcome === "unreachable") {
        this.#backoff.delay(debt);
        this.#options.log.debug({ debt, outcome }, "a debt cannot be paid now and waits");
        return;
      }
      await this.#settler.settle(debt);
      this.#backoff.forget(debt);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** The next debts that are neither under way nor waiting; those that nobody can pay hold up no others. */
  async #listPayable(): Promise<Debt[]> {
    const { catalog, cluster } = this.#options;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const debts = await catalog.listDebts(cluster.self, PAGE_DEBTS, page * PAGE_DEBTS);
      const payable = debts.filter((debt) => !this.#running.has(keyOf(debt)) && !this.#backoff.isWaiting(debt));
      if (payable.length > 0 || debts.length < PAGE_DEBTS) return payable;
    }
    return [];
  }

  /** Whether anybody can be asked. When a node comes back all debts are worth a try again. */
  #hasPeers(): boolean {
    const peers = new Set(this.#options.cluster.readingPeers().map(({ node }) => node.id));
    if ([...peers].some((id) => !this.#peersBefore.has(id))) this.#backoff.clear();
    this.#peersBefore = peers;
    return peers.size > 0;
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    // The rest of the page is listed again after the pause: it may be paid or gone by then.
    if (failure !== undefined) {
      this.#queue = [];
      throw failure.error;
    }
  }
}

function keyOf({ namespace, digest }: Debt): string {
  return `${namespace}/${digest}`;
}
