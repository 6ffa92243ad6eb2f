/** What followers of changes and webhooks are told. */

/** A change of a file: one line of `GET /v1/changes`. */
export interface ChangeInfo {
  /** The journal number; whoever goes on follows the changes after it. */
  number: number;
  /**
   * `put`: the key names this content now; a copy, a restore and an undelete are puts. `delete`: it names nothing; also
   * when the file expired. `purge`: a version is gone for ever, and the key names nothing if that was its current one.
   * A rename is a put and a delete with neighbouring numbers.
   */
  kind: "put" | "delete" | "purge";
  namespace: string;
  key: string;
  /** Of a purge the version that is gone, else the number. */
  version: number;
  /** Of the content that a put names, or that a purge took away. */
  digest?: string;
  /** This and what follows: of a put. */
  size?: number;
  contentType?: string;
  metadata?: Record<string, string>;
  expires?: string;
  /** When it was committed, by the catalog's clock. */
  time: string;
}

/** The body of `POST /v1/webhooks`: who wants to be told of what. */
export interface WebhookRequest {
  /** http or https. */
  url: string;
  /** Absent: of the whole cluster. */
  namespace?: string;
  /** Only keys that begin so. */
  prefix?: string;
}

export interface WebhookInfo {
  id: string;
  url: string;
  namespace?: string;
  prefix: string;
  /** Everything up to this journal number was delivered. */
  position: number;
  /** Numbers of the journal behind that; most may be of no interest to it. */
  behind: number;
  /** Attempts in a row that failed, and why the last one did. */
  failures: number;
  error?: string;
  /** When something was delivered last. */
  delivered?: string;
}

/** A webhook at its beginning, with the secret that it signs with, which is shown only here. */
export interface WebhookSecret extends WebhookInfo {
  secret: string;
}

export interface WebhookListReply {
  webhooks: WebhookInfo[];
}

/** What is sent to a webhook. `gap`: not everything between these numbers is known any more; list the files anew. */
export type WebhookMessage =
  | { kind: "changes"; webhook: string; changes: ChangeInfo[]; position: number }
  | { kind: "gap"; webhook: string; code: "changes_gone"; after: number; position: number };

/** Everything up to `position` was looked at: where to go on, also when nothing of it was wanted. */
export interface ChangePosition {
  position: number;
  /** Where the journal ended: with a larger number than `position` there is more at once. */
  head: number;
}
