import type { ChangeOutcome, RejoinTransactionChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { countStaged } from "./count-staged.js";
import { settingDone } from "./decide-settings.js";
import { finish } from "./decide-transaction.js";
import { owePlaced } from "./owe-staged.js";
import { reserve } from "./quota.js";
import { formatStagedRef } from "./staged-change.js";
import { isUnfinished } from "./transaction.js";

/**
 * Says again what only one side of a fork knew of a transaction; see `planJoin`. What a commit changed there is rejoined
 * file by file: here follows only that it was committed. What the catalog's side knows to be finished stays so.
 */
export function decideRejoinTransaction(draft: CommitDraft, change: RejoinTransactionChange): ChangeOutcome {
  const { journaled, end } = change;
  const before = draft.transactions.get(journaled.id);
  const unchanged = settingDone(draft, draft.nextNumber - 1);
  if (before !== undefined && !isUnfinished(before)) return unchanged;
  if (end === undefined) return before?.state === "prepared" ? unchanged : prepareAgain(draft, change);
  const { kind, changes, stagedBytes } = end;
  const row = { ...journaled, changes, stagedBytes, expiresMs: 0, steps: 0, entryBytes: 0, usage: {} };
  if (kind === "commit") {
    const number = draft.append({ kind, transaction: journaled, changes, stagedBytes, span: 0 });
    finish(draft, { ...row, state: "committed", number });
    return settingDone(draft, number);
  }
  const number = draft.append({ kind, transaction: journaled, changes, stagedBytes });
  finish(draft, { ...row, state: "aborted", reason: "asked" });
  return settingDone(draft, number);
}

/** It waits for its coordinator again. A key that another one holds by now is held by that one only; both can commit. */
function prepareAgain(draft: CommitDraft, { journaled, prepared }: RejoinTransactionChange): ChangeOutcome {
  const number = draft.append({ kind: "prepare", transaction: journaled, changes: prepared });
  for (const change of prepared) draft.staged.set(formatStagedRef(change), change);
  // Where its nodes' disks are nobody knows after such a failure: who has a blob finds that out.
  const owing = prepared.flatMap((change) => owePlaced(draft, { ...change, placedOn: [] }, number));
  const state = { state: "prepared", number, preparedMs: draft.timeMs, expiresMs: 0, steps: 0 } as const;
  draft.transactions.set(journaled.id, {
    ...journaled,
    ...state,
    ...countStaged(prepared),
    reserved: reserve(draft, prepared),
  });
  draft.lockStaged(journaled.id);
  return { ...settingDone(draft, number), owing: [...new Set(owing)] };
}
