import type { NamespaceName } from "@koboldfs/protocol";

/** Who wants to be told of changes, by HTTP. */
export interface WebhookSettings {
  /** 16 hex digits. */
  readonly id: string;
  readonly url: string;
  /** Absent: of the whole cluster. */
  readonly namespace?: NamespaceName;
  /** Only keys that begin so; empty: all. */
  readonly prefix: string;
}

/** A webhook as it is entered: what comes behind its own entry is delivered. */
export interface WebhookRow extends WebhookSettings {
  readonly number: number;
}

/** How far a webhook is. No part of the journal: who loses it delivers again. */
export interface WebhookProgress {
  readonly id: string;
  /** Everything up to this journal number was delivered. */
  readonly position: number;
  /** Attempts in a row that failed. */
  readonly failures: number;
  /** Why the last one did; absent when it did not. */
  readonly error?: string;
  /** When something was delivered last, by the clock of the node that did; absent: never. */
  readonly deliveredMs?: number;
}

/** What proxies and servers take for a URL. */
const MAX_URL_LENGTH = 2048;

export function isWebhookUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return text.length <= MAX_URL_LENGTH && (url?.protocol === "http:" || url?.protocol === "https:");
}
