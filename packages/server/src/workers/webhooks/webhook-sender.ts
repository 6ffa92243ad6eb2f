import { request } from "undici";

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** Posts one message. Resolves with the status of the answer, whatever it is; rejects when there is none. */
export type WebhookSender = (request: WebhookRequest) => Promise<number>;

/** What of an answer is read, so that the connection can be used again. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Follows no redirects: where a webhook leads is what was entered. */
export const sendWebhook: WebhookSender = async ({ url, headers, body, signal }) => {
  const answer = await request(url, { method: "POST", headers: { ...headers }, body, signal });
  await answer.body.dump({ limit: MAX_ANSWER_BYTES });
  return answer.statusCode;
};
