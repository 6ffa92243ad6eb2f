import type { Change, ChangeOutcome, Idempotency } from "./change.js";
import { CommitDraft } from "./commit-draft.js";
import type { CommitPlan, PlannedGroup } from "./commit-plan.js";
import type { CommitView } from "./commit-view.js";
import { decideCopy, decideRename } from "./decide-copy.js";
import { decideDelete } from "./decide-delete.js";
import { decidePut } from "./decide-put.js";
import { decideRefillNode, decideSetNode, decideSetNodeState } from "./decide-node.js";
import { decideExpire, decidePurge } from "./decide-purge.js";
import { decideRejoin } from "./decide-rejoin.js";
import { decideRejoinTransaction } from "./decide-rejoin-transaction.js";
import { decideRestore, decideRestorePrefix, decideUndelete } from "./decide-restore.js";
import { decideDropNamespace, decideMoveHorizon, decideSetNamespace } from "./decide-settings.js";
import { decideBegin, decideFinish } from "./decide-transaction.js";
import { decideStage } from "./decide-transaction-stage.js";
import { findLocked } from "./find-locked.js";
import { formatJournalGroup, hashJournalGroup } from "./journal-group.js";
import { refuse } from "./refusal.js";
import { isStorable } from "./storable-text.js";
import { decideDropWebhook, decideSetWebhook } from "./decide-webhook.js";

/** Idempotency keys become part of a primary key; the faces allow 128 characters. */
const MAX_IDEMPOTENCY_KEY_BYTES = 255;
/**
 * Where statements go out as one text (MySQL, MariaDB) a commit must fit one packet, 16 MiB by default: in it the
 * journal's bytes stand as hex and the metadata escaped, each up to twice as long. Room for the largest batch of keys.
 */
const MAX_COMMIT_BYTES = 3 * 1024 * 1024;

/**
 * Decides what a group of changes does to the catalog. Pure: the same view and changes give the same plan, so that a
 * retry after a lost connection is only another call.
 *
 * Each change is decided in order, against the view and the effect of the changes before it. A refused change gets an
 * error for its outcome, no number, and leaves no trace.
 */
export function decideCommit(view: CommitView, groupId: string, changes: readonly Change[]): CommitPlan {
  const draft = new CommitDraft(view);
  const outcomes = changes.map((change) => decideOnce(draft, change));
  return {
    outcomes,
    group: planGroup(view, groupId, draft),
    filesToPut: draft.files.listSet(),
    filesToRemove: draft.files.listRemoved(),
    formersToPut: draft.formers.listSet(),
    formersToRemove: draft.formers.listRemoved(),
    entriesToForget: draft.entriesToForget,
    purgesToAdd: [...draft.purgesToAdd.values()],
    namespacesToPut: draft.namespaces.listSet(),
    namespacesToRemove: draft.namespaces.listRemoved().map((namespace) => namespace.name),
    nodesToPut: draft.nodes.listSet(),
    webhooksToPut: [...draft.webhooksToPut.values()],
    webhooksToRemove: [...draft.webhooksToRemove],
    debtsToAdd: [...draft.debtsToAdd.values()],
    debtsToClear: [...draft.debtsToClear.values()],
    outcomesToRecord: draft.recorded.listSet(),
    timeMs: draft.timeMs,
    ...planTransactions(draft),
  };
}

function planTransactions(draft: CommitDraft) {
  return {
    transactionsToPut: draft.transactions.listSet(),
    stagedToPut: draft.staged.listSet(),
    transactionsToLock: [...draft.transactionsToLock],
    transactionsToClear: [...draft.transactionsToClear],
  };
}

/** A second arrival of an idempotency key gets the answer of the first, also within one group. */
function decideOnce(draft: CommitDraft, change: Change): ChangeOutcome {
  const idempotency = "idempotency" in change ? change.idempotency : undefined;
  if (idempotency === undefined) return decideChange(draft, change);
  const earlier = draft.recorded.get(idempotency.key);
  if (earlier?.fingerprint === idempotency.fingerprint) return { ...earlier.outcome, replayed: true };
  if (earlier !== undefined)
    return refuse("idempotency_key_reused", "this Idempotency-Key named another request before");
  if (!isIdempotencyKey(idempotency)) return refuse("invalid_request", "the Idempotency-Key cannot be stored");
  const outcome = decideChange(draft, change);
  if (outcome.ok) draft.recorded.set(idempotency.key, { ...idempotency, outcome });
  return outcome;
}

function isIdempotencyKey({ key, fingerprint }: Idempotency): boolean {
  return (
    key.length > 0 &&
    [key, fingerprint].every((text) => isStorable(text) && Buffer.byteLength(text) <= MAX_IDEMPOTENCY_KEY_BYTES)
  );
}

function decideChange(draft: CommitDraft, change: Change): ChangeOutcome {
  if (draft.sizeBytes >= MAX_COMMIT_BYTES) return refuse("overloaded", "this commit takes no more bytes; try again");
  const locked = findLocked(draft, change);
  if (locked !== undefined) return locked;
  switch (change.kind) {
    case "put":
      return decidePut(draft, change);
    case "delete":
      return decideDelete(draft, change);
    case "copy":
      return decideCopy(draft, change);
    case "rename":
      return decideRename(draft, change);
    case "undelete":
      return decideUndelete(draft, change);
    case "restore":
      return decideRestore(draft, change);
    case "restore-prefix":
      return decideRestorePrefix(draft, change, MAX_COMMIT_BYTES);
    case "expire":
      return decideExpire(draft, change);
    case "purge":
      return decidePurge(draft, change);
    case "move-horizon":
      return decideMoveHorizon(draft, change);
    case "set-namespace":
      return decideSetNamespace(draft, change);
    case "drop-namespace":
      return decideDropNamespace(draft, change);
    case "set-node":
      return decideSetNode(draft, change);
    case "set-node-state":
      return decideSetNodeState(draft, change);
    case "refill-node":
      return decideRefillNode(draft, change);
    case "rejoin":
      return decideRejoin(draft, change);
    case "rejoin-transaction":
      return decideRejoinTransaction(draft, change);
    case "begin-transaction":
      return decideBegin(draft, change);
    case "stage":
      return decideStage(draft, change);
    case "prepare-transaction":
    case "commit-transaction":
    case "abort-transaction":
      return decideFinish(draft, change, MAX_COMMIT_BYTES);
    case "set-webhook":
      return decideSetWebhook(draft, change);
    case "drop-webhook":
      return decideDropWebhook(draft, change);
  }
}

function planGroup(view: CommitView, id: string, draft: CommitDraft): PlannedGroup | undefined {
  const { entries, timeMs } = draft;
  if (entries.length === 0) return undefined;
  const first = view.head.number + 1;
  const last = view.head.number + entries.length;
  // A change that found everything done already is answered with a number of an earlier group, and what is staged has no
  // number yet: neither needs an entry here.
  const own = draft.recorded.listSet().filter(({ outcome }) => outcome.version >= first);
  const answers = own.map(({ key, fingerprint, outcome }) => {
    const { version, copies, holders } = outcome;
    return { key, fingerprint, version, copies, holders };
  });
  const content = {
    ...{ id, previous: view.head.hash, first, last, timeMs, entries },
    ...(answers.length > 0 && { answers }),
  };
  const bytes = formatJournalGroup(content);
  return { ...content, bytes, hash: hashJournalGroup(bytes) };
}
