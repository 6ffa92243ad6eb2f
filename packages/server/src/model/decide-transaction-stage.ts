import type { NodeId } from "@koboldfs/protocol";
import type {
  ChangeDone,
  ChangeOutcome,
  ChangeRefused,
  CopyChange,
  DeleteChange,
  FileContent,
  FileRecord,
  Precondition,
  PutChange,
  RenameChange,
  RestoreChange,
  StageChange,
  UndeleteChange,
} from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import type { FileRef } from "./commit-view.js";
import { checkPut } from "./decide-put.js";
import { findRestored, findUndeleted, withTimeLeft } from "./decide-restore.js";
import { findEnd, findTransaction } from "./decide-transaction.js";
import { findLocked } from "./find-locked.js";
import { isBackfilling, listHolders, listIds } from "./owing-nodes.js";
import { preconditionHolds } from "./precondition.js";
import { refuse } from "./refusal.js";
import { sizeOfStaged, stagedBytesOf } from "./count-staged.js";
import { formatStagedRef, type StagedChange } from "./staged-change.js";
import {
  isUnfinished,
  MAX_TRANSACTION_CHANGES,
  MAX_TRANSACTION_ENTRY_BYTES,
  type TransactionRow,
} from "./transaction.js";

/** One key as the transaction sees it: what it staged, or else what is committed. */
interface SeenKey {
  readonly ref: FileRef;
  readonly staged: StagedChange | undefined;
  /** What the key names for the transaction. */
  readonly content: FileContent | undefined;
  /** The committed version, 0 for none. */
  readonly version: number;
}

type Wanted = Omit<StagedChange, "transaction" | "stagedAt" | "seen"> & {
  /** The committed state of the key was looked at. */
  readonly isChecked: boolean;
  /** Before the nodes in `placedOn` got the blob; absent: now. */
  readonly stagedAt?: number;
};

/** What a change comes to inside the transaction: one or two keys, or why not. */
interface Staging {
  readonly wanted: readonly Wanted[];
  readonly content?: FileContent;
  /** Nodes that have the blob, for the answer. */
  readonly copies: number;
}

interface MutableStaging extends Staging {
  readonly wanted: Wanted[];
}

/**
 * Decides a change inside a transaction: it is checked like a change that is committed now, against what the transaction
 * sees. What it relies on of the committed state is noted (`seen`) and looked at again when the transaction is prepared
 * or committed.
 */
export function decideStage(draft: CommitDraft, stage: StageChange): ChangeOutcome {
  const row = findTransaction(draft, stage.transaction);
  if ("ok" in row) return row;
  if (row.state === "prepared") return refuse("transaction_prepared", `transaction ${row.id} is prepared`);
  const ended = findEnd(row, draft.nowMs);
  if (ended !== undefined) return ended;
  const { namespace } = stage.change;
  if (draft.namespaces.get(namespace) === undefined) {
    return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  }
  // Only now: a retry would wait for a lock in vain when it is the transaction itself that cannot go on, or holds it.
  const locked = findLocked(draft, stage.change);
  if (locked !== undefined) return locked;
  const staging = decideStaging(draft, row, stage.change);
  if ("ok" in staging) return staging;
  const changes = staging.wanted.map((one) => makeStaged(draft, row, one));
  const counted = countWith(draft, row, changes);
  const refusal = checkLimits(draft, counted, { stage, changes });
  if (refusal !== undefined) return refusal;
  for (const change of changes) draft.staged.set(formatStagedRef(change), change);
  const steps = row.steps + 1;
  draft.transactions.set(row.id, { ...counted, steps, expiresMs: draft.nowMs + row.ttlMs });
  return { ...doneOf(draft, staging), steps };
}

function decideStaging(draft: CommitDraft, row: TransactionRow, change: StageChange["change"]) {
  switch (change.kind) {
    case "put":
      return stagePut(draft, row, change);
    case "delete":
      return stageDelete(draft, row, change);
    case "copy":
    case "rename":
      return stageCopy(draft, row, change);
    case "undelete":
    case "restore":
      return stageKnown(draft, row, change);
  }
}

function stagePut(draft: CommitDraft, row: TransactionRow, change: PutChange): Staging | ChangeRefused {
  const { namespace, key, precondition, minCopies } = change;
  const seen = seeKey(draft, row, change);
  const placed = checkPut(draft, change, seen.content?.digest);
  if (!(placed instanceof Set)) return placed;
  const { expiresMs: _, ...content } = change.content;
  for (const node of placed) draft.clearDebt({ node, namespace, digest: content.digest });
  const wanted: Wanted = {
    ...{ kind: "put", namespace, key, content, placedOn: [...placed], minCopies },
    ...(change.placedAfter !== undefined && { stagedAt: change.placedAfter }),
    ...(change.expires !== undefined && { expires: change.expires }),
    isChecked: precondition !== undefined,
  };
  return { wanted: [wanted], content, copies: placed.size };
}

function stageDelete(draft: CommitDraft, row: TransactionRow, change: DeleteChange): Staging | ChangeRefused {
  const { namespace, key, precondition } = change;
  const { content } = seeKey(draft, row, change);
  if (!preconditionHolds(precondition, content?.digest)) return notInState(key);
  if (content === undefined) return refuse("not_found", `there is no file ${key}`);
  return { wanted: [removal({ namespace, key }, precondition !== undefined)], copies: 0 };
}

function stageCopy(draft: CommitDraft, row: TransactionRow, change: CopyChange | RenameChange) {
  const { kind, namespace, from, to, sourceMatch, precondition } = change;
  if (from === to && kind === "rename") return refuse("invalid_request", "a file cannot be renamed to its own key");
  const source = seeKey(draft, row, { namespace, key: from });
  if (source.content === undefined) return refuse("not_found", `there is no file ${from}`);
  if (sourceMatch !== undefined && !preconditionHolds({ ifMatch: sourceMatch }, source.content.digest)) {
    return notInState(from);
  }
  const target = seeKey(draft, row, { namespace, key: to });
  if (!preconditionHolds(precondition, target.content?.digest)) return notInState(to);
  const named = nameKnown(draft, {
    target,
    origin: source.staged?.kind === "put" ? source.staged : undefined,
    content: source.content,
    precondition,
  });
  // What a rename takes away must be what it gave the new name; a copy relies on its source only when it says so.
  if (kind === "rename") named.wanted.push(removal(source.ref, true));
  else if (sourceMatch !== undefined && from !== to && source.staged === undefined) {
    named.wanted.push({ kind: "read", ...source.ref, placedOn: [], isChecked: true });
  }
  return named;
}

function stageKnown(draft: CommitDraft, row: TransactionRow, change: UndeleteChange | RestoreChange) {
  const { key, precondition } = change;
  const target = seeKey(draft, row, change);
  if (change.kind === "restore") {
    const content = findRestored(draft, change);
    if (content === undefined) return refuse("version_not_found", `there is no version ${change.version} of ${key}`);
    if (!preconditionHolds(precondition, target.content?.digest)) return notInState(key);
    return nameKnown(draft, { target, content: withTimeLeft(draft, content), precondition });
  }
  if (!preconditionHolds(precondition, target.content?.digest)) return notInState(key);
  if (target.content !== undefined) return refuse("not_deleted", `there is a file ${key}`);
  const last = findUndeleted(draft, change);
  if (last === undefined) return refuse("not_found", `nothing of ${key} can be brought back`);
  return nameKnown(draft, { target, content: withTimeLeft(draft, last), precondition: { ifNoneMatch: "*" } });
}

interface KnownContent {
  readonly target: SeenKey;
  /** Where the content comes from, if that is staged itself. */
  readonly origin?: StagedChange | undefined;
  readonly content: FileContent;
  readonly precondition?: Precondition | undefined;
}

/** Content that is there already: whoever should hold it has it or owes it, but for nodes that are filled still. */
function nameKnown(draft: CommitDraft, { target, origin, content, precondition }: KnownContent): MutableStaging {
  const holders = listHolders(draft.nodes.values()).filter((node) => !isBackfilling(node));
  const placedOn: readonly NodeId[] = origin?.placedOn ?? listIds(holders);
  const { expiresMs, ...rest } = content;
  const expires = origin === undefined ? (expiresMs === undefined ? "never" : { atMs: expiresMs }) : origin.expires;
  const wanted: Wanted = {
    ...{ kind: "put", ...target.ref, content: copyOf(rest), placedOn },
    ...(expires !== undefined && { expires }),
    ...(origin !== undefined && { stagedAt: origin.stagedAt }),
    ...(origin?.minCopies !== undefined && { minCopies: origin.minCopies }),
    isChecked: precondition !== undefined,
  };
  return { wanted: [wanted], content, copies: placedOn.length };
}

function copyOf({ digest, sizeBytes, contentType, metadata }: FileContent): FileContent {
  return { digest, sizeBytes, contentType, metadata };
}

function removal(ref: FileRef, isChecked: boolean): Wanted {
  return { kind: "delete", namespace: ref.namespace, key: ref.key, placedOn: [], isChecked };
}

function seeKey(draft: CommitDraft, row: TransactionRow, { namespace, key }: FileRef): SeenKey {
  const ref = { namespace, key };
  const staged = draft.staged.get(formatStagedRef({ ...ref, transaction: row.id }));
  const file: FileRecord | undefined = draft.findFile(ref);
  const content = staged === undefined || staged.kind === "read" ? file : staged.content;
  return { ref, staged, content, version: file?.version ?? 0 };
}

/** What was seen first counts: later words of the transaction are checked against what it staged itself. */
function makeStaged(draft: CommitDraft, row: TransactionRow, { isChecked, ...wanted }: Wanted): StagedChange {
  const { staged, version } = seeKey(draft, row, wanted);
  const seen = staged === undefined && isChecked ? version : staged?.seen;
  // The bytes were placed before this group: a node that is filled anew in it may have lost them.
  const stagedAt = wanted.stagedAt ?? draft.headNumber;
  return { ...wanted, transaction: row.id, stagedAt, ...(seen !== undefined && { seen }) };
}

function countWith(draft: CommitDraft, row: TransactionRow, changes: readonly StagedChange[]): TransactionRow {
  let { changes: count, stagedBytes, entryBytes } = row;
  const usage: Record<string, number> = { ...row.usage };
  for (const change of changes) {
    const before = draft.staged.get(formatStagedRef(change));
    const bytes = stagedBytesOf(change) - (before === undefined ? 0 : stagedBytesOf(before));
    count += before === undefined ? 1 : 0;
    stagedBytes += bytes;
    entryBytes += sizeOfStaged(change) - (before === undefined ? 0 : sizeOfStaged(before));
    usage[change.namespace] = (usage[change.namespace] ?? 0) + bytes;
  }
  return { ...row, changes: count, stagedBytes, entryBytes, usage };
}

interface Limited {
  readonly stage: StageChange;
  readonly changes: readonly StagedChange[];
}

function checkLimits(draft: CommitDraft, row: TransactionRow, { stage, changes }: Limited): ChangeRefused | undefined {
  const { limits } = stage;
  if (row.changes > MAX_TRANSACTION_CHANGES || row.entryBytes > MAX_TRANSACTION_ENTRY_BYTES) {
    return refuse("transaction_too_large", `${row.changes} changes with their names and metadata are too many`);
  }
  if (row.stagedBytes > limits.transactionBytes) {
    const message = `the transaction would stage ${row.stagedBytes} bytes; it may stage ${limits.transactionBytes}`;
    return refuse("transaction_too_large", message);
  }
  const others = [...draft.transactions.values()].filter((one) => isUnfinished(one) && one.id !== row.id);
  for (const namespace of new Set(changes.map((change) => change.namespace))) {
    const bytes = [...others, row].reduce((sum, one) => sum + (one.usage[namespace] ?? 0), 0);
    const before = draft.transactions.get(row.id)?.usage[namespace] ?? 0;
    // Who stages less than before, or nothing, is never in the way.
    if (bytes <= limits.namespaceBytes || (row.usage[namespace] ?? 0) <= before) continue;
    return refuse("staging_full", `${bytes} bytes would be staged in ${namespace}; it takes ${limits.namespaceBytes}`);
  }
  return undefined;
}

function doneOf(draft: CommitDraft, { content, copies }: Staging): ChangeDone {
  const holders = listHolders(draft.nodes.values()).length;
  return {
    ...{ ok: true, version: 0, modified: new Date(draft.timeMs), copies, holders, owing: [], replayed: false },
    ...(content !== undefined && { content: { digest: content.digest, sizeBytes: content.sizeBytes } }),
  };
}

function notInState(key: string): ChangeRefused {
  return refuse("precondition_failed", `${key} is not in the demanded state`);
}
