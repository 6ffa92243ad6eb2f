/** JSON bodies of transactions; see wire.ts. */

export type TransactionState = "open" | "prepared" | "committed" | "aborted";

/** The body of `POST /v1/transactions`; may be left out. */
export interface BeginRequest {
  /** How long it may lie unused before it is aborted: 1,000 to 86,400,000, by default 600,000 (10 minutes). */
  ttlMs?: number;
  /**
   * Who decides what becomes of it, 1 to 24 small letters and digits: the id begins with that and a hyphen, so that whoever recovers
   * knows its own.
   */
  coordinator?: string;
}

/** The body of `POST /v1/transactions/{id}/prepare|commit|abort`; may be left out. */
export interface FinishRequest {
  /** Also when it was begun with another token: for operators. */
  force?: boolean;
  /**
   * Of prepare and commit: the highest `Koboldfs-Steps` that was answered. A catalog that knows of fewer lost some at a
   * failover (an asynchronous standby was promoted): then nothing is committed.
   */
  steps?: number;
}

export interface TransactionInfo {
  id: string;
  state: TransactionState;
  begun: string;
  ttlMs: number;
  /** Open: when it is aborted unless it is used before. */
  expires?: string;
  /** When it was prepared, if it was. */
  prepared?: string;
  /** When it was committed or aborted. */
  finished?: string;
  /** Committed: the journal number after which all of its changes can be read, in `as-of` too. */
  version?: number;
  /** Aborted: why. */
  reason?: string;
  /** Keys that it changes, and the bytes that it stages for them. */
  changes: number;
  bytes: number;
}

export interface TransactionListReply {
  transactions: TransactionInfo[];
  /** Give it as `after` to get the next page; absent on the last one. */
  next?: string;
}

/** What a transaction would make of a key. A `read` changes nothing, but the key must stay as it was. */
export interface StagedInfo {
  namespace: string;
  key: string;
  kind: "put" | "delete" | "read";
  /** Of puts only. */
  digest?: string;
  size?: number;
}

export interface TransactionReply extends TransactionInfo {
  /** The first 1,000 changes of one that is not finished, in the order of namespaces and keys. */
  staged: StagedInfo[];
}

/** How many transactions are not finished. */
export interface TransactionCounts {
  open: number;
  prepared: number;
  /** Prepared for longer than any coordinator needs: somebody has to look. */
  inDoubt: number;
  /** Of all of them. */
  stagedBytes: number;
  /** When the oldest of the open ones was begun. */
  oldestOpen?: string;
  /** Since when the oldest of the prepared ones is. */
  oldestPrepared?: string;
}
