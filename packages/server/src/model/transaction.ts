import type { TransactionState } from "@koboldfs/protocol";
import type { Reservation } from "./usage.js";

/** 32 hex digits that nobody guesses, behind the name of whoever coordinates it and a hyphen if it has one: `NAME-RANDOM`. */
export type TransactionId = string & { readonly __brand: "TransactionId" };

export function isTransactionId(text: string): text is TransactionId {
  return /^(?:[0-9a-z]{1,24}-)?[0-9a-f]{32}$/.test(text);
}

/** As coordinators may be called, so that each finds its own among all transactions. */
export const COORDINATOR_PATTERN = "^[0-9a-z]{1,24}$";

/** A transaction as a request names it. */
export interface TransactionRef {
  readonly id: TransactionId;
  /** Who asks (`ClientCaller`): only who began a transaction goes on with it. */
  readonly owner: string;
}

export interface TransactionRow extends TransactionRef {
  readonly state: TransactionState;
  readonly begunMs: number;
  readonly ttlMs: number;
  /** Open ones are aborted after this moment of the catalog's clock; each use moves it. */
  readonly expiresMs: number;
  /** Journal number of its `prepare` while it is prepared, and once it is committed of its last change. */
  readonly number?: number;
  readonly preparedMs?: number;
  readonly finishedMs?: number;
  /** Why it was aborted. */
  readonly reason?: string;
  /** Keys that are staged, with those that are only read. */
  readonly changes: number;
  readonly stagedBytes: number;
  /**
   * Changes that it accepted, while it is open: whoever was told of so many and finds fewer knows that the catalog lost
   * some at a failover. 0 once it is prepared or has ended.
   */
  readonly steps: number;
  /** About what its changes take in the journal. */
  readonly entryBytes: number;
  /** The staged bytes by namespace; a namespace in which it changes something is always there. */
  readonly usage: Readonly<Record<string, number>>;
  /** While it is prepared: what its commit will add to namespaces, which nothing else may take (`reserve`). */
  readonly reserved?: Readonly<Record<string, Reservation>>;
}

/** What staged bytes are bounded by; an operator's settings. */
export interface StagingLimits {
  readonly transactionBytes: number;
  readonly namespaceBytes: number;
}

const GIB = 2 ** 30;
/**
 * Staged bytes lie on `ack_copies` nodes and nobody but their transaction can give the room back. A transaction that
 * stages more than a few large files is more likely a mistake than a publication; four of that size fit a namespace.
 */
export const DEFAULT_STAGING_LIMITS: StagingLimits = { transactionBytes: 64 * GIB, namespaceBytes: 256 * GIB };

/** Long enough to send a large file between two calls, short enough that a forgotten one is gone before anybody wonders. */
export const DEFAULT_TRANSACTION_TTL_MS = 10 * 60_000;
export const MIN_TRANSACTION_TTL_MS = 1000;
/** Who needs longer than a day to decide needs `prepare`, which waits as long as it must. */
export const MAX_TRANSACTION_TTL_MS = 24 * 60 * 60_000;
/** Read under the journal's lock by each commit that stages something: about a millisecond when there are so many. */
export const MAX_UNFINISHED_TRANSACTIONS = 1000;
/** Keys of one transaction: its commit holds the journal's lock for about a second. */
export const MAX_TRANSACTION_CHANGES = 10_000;
/** Its changes are one group of the journal, which must fit a commit: see `MAX_COMMIT_BYTES`. */
export const MAX_TRANSACTION_ENTRY_BYTES = 3 * 1024 * 1024;

/** Coordinators decide within seconds, and one that restarts recovers within a minute or two: later, somebody has to look. */
const IN_DOUBT_MS = 5 * 60_000;

/** Whether it is prepared for so long that its coordinator seems to have forgotten it. */
export function isInDoubt(
  { state, preparedMs }: Pick<TransactionRow, "state"> & { readonly preparedMs?: number | undefined },
  nowMs: number,
): boolean {
  return state === "prepared" && nowMs - (preparedMs ?? nowMs) >= IN_DOUBT_MS;
}

export function isUnfinished({ state }: Pick<TransactionRow, "state">): boolean {
  return state === "open" || state === "prepared";
}
