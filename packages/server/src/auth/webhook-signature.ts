import { createHmac } from "node:crypto";

/** Says that this is a secret of a webhook, as the Standard Webhooks specification has it. */
const PREFIX = "whsec_";

/**
 * The secret that a webhook's messages are signed with. It is made of the secret that the nodes share and stored nowhere:
 * every node of the cluster can sign, and neither the journal nor a backup of the database gives it away.
 */
export function deriveWebhookSecret(nodeSecret: string, id: string): string {
  return PREFIX + createHmac("sha256", nodeSecret).update(`koboldfs webhook ${id}`).digest("base64");
}

export interface SignedMessage {
  /** Names the message; the same for all attempts at it. */
  readonly id: string;
  /** Seconds since 1970, of this attempt. */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers of https://www.standardwebhooks.com, for which there are libraries in most languages. */
export function signWebhook(secret: string, { id, timestamp, body }: SignedMessage): Record<string, string> {
  const key = Buffer.from(secret.slice(PREFIX.length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}
