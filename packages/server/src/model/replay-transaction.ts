import type { CommitDraft } from "./commit-draft.js";
import { finish } from "./decide-transaction.js";
import type { AbortEntry, CommitEntry, PrepareEntry } from "./transaction-entry.js";
import { listHolders } from "./owing-nodes.js";
import { countStaged } from "./count-staged.js";
import { reserve } from "./quota.js";
import { formatStagedRef } from "./staged-change.js";

/** What an entry of a transaction means to whoever reads the journal. The changes of a commit are entries of their own. */
export function replayTransaction(draft: CommitDraft, entry: PrepareEntry | CommitEntry | AbortEntry): number {
  const { number: _, ...unnumbered } = entry;
  const number = draft.append(unnumbered);
  const { transaction } = entry;
  if (entry.kind === "prepare") {
    for (const change of entry.changes) {
      draft.staged.set(formatStagedRef(change), change);
      oweStaged(draft, change, number);
    }
    const prepared = { state: "prepared", number, preparedMs: draft.timeMs, expiresMs: 0, steps: 0 } as const;
    const room = { ...countStaged(entry.changes), reserved: reserve(draft, entry.changes) };
    draft.transactions.set(transaction.id, { ...transaction, ...prepared, ...room });
    draft.lockStaged(transaction.id);
    return number;
  }
  const before = draft.transactions.get(transaction.id);
  const preparedMs = before?.preparedMs;
  const { changes, stagedBytes } = entry;
  const row = { ...transaction, changes, stagedBytes, expiresMs: 0, steps: 0, entryBytes: 0, usage: {} };
  const prepared = preparedMs === undefined ? {} : { preparedMs };
  if (entry.kind === "commit") finish(draft, { ...row, ...prepared, state: "committed", number: number + entry.span });
  else finish(draft, { ...row, ...prepared, state: "aborted", reason: "asked" });
  return number;
}

/** The journal says where it was placed, but not whether those disks are still there: every holder looks. */
function oweStaged(draft: CommitDraft, { namespace, content }: PrepareEntry["changes"][number], number: number): void {
  if (content === undefined) return;
  const { digest, sizeBytes } = content;
  for (const { id } of listHolders(draft.nodes.values())) {
    draft.addDebt({ node: id, namespace, digest, sizeBytes, copies: 0, number });
  }
}
