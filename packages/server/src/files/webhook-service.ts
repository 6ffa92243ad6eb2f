import { createHash, randomBytes } from "node:crypto";
import { KoboldError, type WebhookInfo, type WebhookRequest, type WebhookSecret } from "@koboldfs/protocol";
import { parseNamespaceName } from "@koboldfs/protocol";
import type { Catalog, WebhookRecord } from "../catalog/catalog.js";

export interface WebhookServiceOptions {
  readonly catalog: Pick<Catalog, "commit" | "findNamespace" | "head" | "listWebhooks">;
  /** The secret that the webhook of this id signs with. */
  readonly secretOf: (id: string) => string;
}

/** Each keeps a request to somewhere under way and is read for: more would be no list that somebody keeps by hand. */
const MAX_WEBHOOKS = 100;

/** Who is told of changes. Every method throws `catalog_unavailable`. */
export class WebhookService {
  readonly #options: WebhookServiceOptions;

  constructor(options: WebhookServiceOptions) {
    this.#options = options;
  }

  async list(): Promise<WebhookInfo[]> {
    const { catalog } = this.#options;
    const [webhooks, { number }] = await Promise.all([catalog.listWebhooks(), catalog.head()]);
    return webhooks.map((webhook) => describeWebhook(webhook, number));
  }

  /**
   * Tells this URL what changes from now on. The answer has the secret, which is not shown again; the repetition of a
   * request under its idempotency key gets the same. Throws `invalid_request`, `namespace_not_found`, `too_many_webhooks`.
   */
  async add({ url, namespace, prefix = "" }: WebhookRequest, idempotencyKey?: string): Promise<WebhookSecret> {
    const { catalog, secretOf } = this.#options;
    const id = idempotencyKey === undefined ? randomBytes(8).toString("hex") : hashOf(idempotencyKey).slice(0, 16);
    const name = namespace === undefined ? undefined : parseNamespaceName(namespace);
    if (name !== undefined && (await catalog.findNamespace(name)) === undefined) {
      throw new KoboldError("namespace_not_found", `there is no namespace ${name}`);
    }
    const known = await catalog.listWebhooks();
    if (known.length >= MAX_WEBHOOKS && !known.some((webhook) => webhook.id === id)) {
      throw new KoboldError("too_many_webhooks", `there are ${known.length} webhooks already`);
    }
    const webhook = { id, url, prefix, ...(name !== undefined && { namespace: name }) };
    const fingerprint = hashOf(JSON.stringify(["set-webhook", url, namespace, prefix]));
    const outcome = await catalog.commit({
      ...{ kind: "set-webhook", webhook },
      ...(idempotencyKey !== undefined && { idempotency: { key: idempotencyKey, fingerprint } }),
    });
    if (!outcome.ok) throw outcome.error;
    const { version: position } = outcome;
    return { ...describeWebhook({ ...webhook, position, failures: 0 }, position), secret: secretOf(id) };
  }

  /** Throws `webhook_not_found`. */
  async remove(id: string): Promise<void> {
    const { catalog } = this.#options;
    if (!(await catalog.listWebhooks()).some((webhook) => webhook.id === id)) {
      throw new KoboldError("webhook_not_found", `there is no webhook ${id.slice(0, 40)}`);
    }
    const outcome = await catalog.commit({ kind: "drop-webhook", id });
    if (!outcome.ok) throw outcome.error;
  }
}

function describeWebhook(webhook: WebhookRecord, head: number): WebhookInfo {
  const { id, url, namespace, prefix, position, failures, error, deliveredMs } = webhook;
  return {
    ...{ id, url, prefix, position, failures },
    behind: Math.max(0, head - position),
    ...(namespace !== undefined && { namespace }),
    ...(error !== undefined && { error }),
    ...(deliveredMs !== undefined && { delivered: new Date(deliveredMs).toISOString() }),
  };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
