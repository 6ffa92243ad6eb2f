import type { BeginChange, ChangeDone, ChangeOutcome, ChangeRefused, FinishChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { planExpiry } from "./decide-put.js";
import { settingDone } from "./decide-settings.js";
import { reserve } from "./quota.js";
import { refuse } from "./refusal.js";
import { owePlaced } from "./owe-staged.js";
import { sortStaged, type StagedChange } from "./staged-change.js";
import { findConflict } from "./staged-conflict.js";
import {
  isTransactionId,
  isUnfinished,
  MAX_TRANSACTION_TTL_MS,
  MAX_UNFINISHED_TRANSACTIONS,
  MIN_TRANSACTION_TTL_MS,
  type TransactionRef,
  type TransactionRow,
} from "./transaction.js";

export function decideBegin(draft: CommitDraft, change: BeginChange): ChangeOutcome {
  const { transaction, ttlMs } = change;
  if (!isTransactionId(transaction.id)) return refuse("invalid_request", "this is no id of a transaction");
  if (!Number.isSafeInteger(ttlMs) || ttlMs < MIN_TRANSACTION_TTL_MS || ttlMs > MAX_TRANSACTION_TTL_MS) {
    const range = `${MIN_TRANSACTION_TTL_MS} to ${MAX_TRANSACTION_TTL_MS}`;
    return refuse("invalid_request", `a transaction's time to live is ${range} ms, not ${ttlMs}`);
  }
  const before = draft.transactions.get(transaction.id);
  if (before !== undefined) return doneWith(draft, before, { replayed: true });
  const unfinished = [...draft.transactions.values()].filter(isUnfinished).length;
  if (unfinished >= MAX_UNFINISHED_TRANSACTIONS) {
    return refuse("too_many_transactions", `${unfinished} transactions are not finished`);
  }
  const row: TransactionRow = {
    ...{ id: transaction.id, owner: transaction.owner, state: "open", begunMs: draft.nowMs, ttlMs },
    ...{ expiresMs: draft.nowMs + ttlMs, changes: 0, stagedBytes: 0, steps: 0, entryBytes: 0, usage: {} },
  };
  draft.transactions.set(row.id, row);
  return doneWith(draft, row);
}

export function decideFinish(draft: CommitDraft, change: FinishChange, maxBytes: number): ChangeOutcome {
  const row = findTransaction(draft, change.transaction, change.force);
  if ("ok" in row) return row;
  const isTooMuch = draft.sizeBytes > 0 && draft.sizeBytes + row.entryBytes > maxBytes;
  if (isTooMuch) return refuse("overloaded", "this commit takes no more bytes; try again");
  switch (change.kind) {
    case "prepare-transaction":
      return checkSteps(row, change) ?? decidePrepare(draft, row);
    case "commit-transaction":
      return checkSteps(row, change) ?? decideCommitTransaction(draft, row);
    case "abort-transaction":
      return decideAbort(draft, row, change);
  }
}

/** What is staged is known to the catalog alone: a standby that was promoted may lack the last of it. */
function checkSteps(
  { id, state, steps: known }: TransactionRow,
  { steps = 0 }: FinishChange,
): ChangeRefused | undefined {
  if (state !== "open" || steps <= known) return undefined;
  const message = `of ${steps} changes that transaction ${id} has staged the catalog knows ${known}: it lost some at a failover`;
  return refuse("transaction_conflict", message);
}

/** The transaction, if there is one and whoever asks began it. */
export function findTransaction(
  draft: CommitDraft,
  { id, owner }: TransactionRef,
  force = false,
): TransactionRow | ChangeRefused {
  const row = draft.transactions.get(id);
  if (row === undefined) return refuse("transaction_not_found", `there is no transaction ${id}`);
  if (row.owner !== owner && !force) return refuse("transaction_not_yours", `transaction ${id} is another caller's`);
  return row;
}

/** Why an open or finished transaction cannot go on; undefined for one that is open and has time left, or prepared. */
export function findEnd(row: TransactionRow, nowMs: number): ChangeRefused | undefined {
  const { id, state, reason } = row;
  const isOver = state === "open" && row.expiresMs <= nowMs;
  if (isOver || (state === "aborted" && reason === "expired")) {
    return refuse("transaction_expired", `transaction ${id} was not used for ${row.ttlMs} ms`);
  }
  if (state === "committed" || state === "aborted") {
    return refuse("transaction_finished", `transaction ${id} is ${state}`);
  }
  return undefined;
}

function decidePrepare(draft: CommitDraft, row: TransactionRow): ChangeOutcome {
  if (row.state === "prepared") return doneWith(draft, row, { version: row.number ?? 0, replayed: true });
  const changes = sortStaged(draft.listStaged(row.id));
  const refusal = findEnd(row, draft.nowMs) ?? findConflict(draft, changes);
  if (refusal !== undefined) return refusal;
  const { id, owner, begunMs, ttlMs } = row;
  const number = draft.append({ kind: "prepare", transaction: { id, owner, begunMs, ttlMs }, changes });
  draft.noteSize(row.entryBytes);
  draft.lockStaged(id);
  // Who lacks a blob fetches it now: until the commit comes its nodes may be drained, or lost.
  const owing = changes.flatMap((one) => owePlaced(draft, one, number));
  const prepared: TransactionRow = {
    ...row,
    state: "prepared",
    number,
    preparedMs: draft.timeMs,
    expiresMs: 0,
    steps: 0,
    reserved: reserve(draft, changes),
  };
  draft.transactions.set(id, prepared);
  return doneWith(draft, prepared, { version: number, owing: [...new Set(owing)] });
}

function decideCommitTransaction(draft: CommitDraft, row: TransactionRow): ChangeOutcome {
  if (row.state === "committed") return doneWith(draft, row, { version: row.number ?? 0, replayed: true });
  const changes = sortStaged(draft.listStaged(row.id));
  const refusal = findEnd(row, draft.nowMs) ?? (row.state === "open" ? findConflict(draft, changes) : undefined);
  if (refusal !== undefined) return refusal;
  const effects = changes.filter((one) => one.kind === "put" || isDeletion(draft, one));
  const { id, owner, begunMs, ttlMs, stagedBytes } = row;
  const transaction = { id, owner, begunMs, ttlMs };
  draft.append({ kind: "commit", transaction, changes: row.changes, stagedBytes, span: effects.length });
  const owing = effects.flatMap((one) => applyStaged(draft, one));
  const committed = finish(draft, { ...row, state: "committed", number: draft.nextNumber - 1 });
  return doneWith(draft, committed, { version: draft.nextNumber - 1, owing: [...new Set(owing)] });
}

/** What is not there any more needs no deletion. */
function isDeletion(draft: CommitDraft, change: StagedChange): boolean {
  return change.kind === "delete" && draft.findStoredFile(change) !== undefined;
}

function applyStaged(draft: CommitDraft, change: StagedChange) {
  if (change.content === undefined) {
    draft.removeFile(change);
    return [];
  }
  const { expiresMs: _, ...content } = change.content;
  const expiresMs = planExpiry(draft, change);
  const version = draft.putFile(change, { ...content, ...(expiresMs !== undefined && { expiresMs }) });
  return owePlaced(draft, change, version);
}

function decideAbort(draft: CommitDraft, row: TransactionRow, { onlyExpired }: FinishChange): ChangeOutcome {
  if (row.state === "aborted") return doneWith(draft, row, { replayed: true });
  if (row.state === "committed") return refuse("transaction_finished", `transaction ${row.id} is committed`);
  const isExpired = row.state === "open" && row.expiresMs <= draft.nowMs;
  if (onlyExpired && !isExpired) return refuse("precondition_failed", `transaction ${row.id} has not expired`);
  const { id, owner, begunMs, ttlMs, changes, stagedBytes } = row;
  // Of one that was only open nobody but the catalog knows: the journal need not say that nothing came of it.
  const isJournaled = row.state === "prepared";
  const transaction = { id, owner, begunMs, ttlMs };
  const version = isJournaled ? draft.append({ kind: "abort", transaction, changes, stagedBytes }) : 0;
  const { number: _, ...rest } = row;
  const aborted = finish(draft, { ...rest, state: "aborted", reason: isExpired ? "expired" : "asked" });
  return doneWith(draft, aborted, { version });
}

/** Forgets what was staged, with its locks and the room it reserved; only what came of it is kept. */
export function finish(draft: CommitDraft, { reserved: _, ...row }: TransactionRow): TransactionRow {
  draft.clearStaged(row.id);
  const finished: TransactionRow = {
    ...row,
    expiresMs: 0,
    steps: 0,
    entryBytes: 0,
    usage: {},
    finishedMs: draft.timeMs,
  };
  draft.transactions.set(row.id, finished);
  return finished;
}

/** The version is that of the journal entry which says so, 0 when there is none. */
function doneWith(draft: CommitDraft, transaction: TransactionRow, more: Partial<ChangeDone> = {}): ChangeDone {
  return { ...settingDone(draft, 0), transaction, ...more };
}
