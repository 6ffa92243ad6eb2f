import type { FileRecord } from "./change.js";
import { CommitDraft } from "./commit-draft.js";
import { type FileRef, formatFileRef, type NamespaceRow, type NodeRow, type VersionRef } from "./commit-view.js";
import { setNode } from "./decide-node.js";
import { dropNamespace, moveHorizon, setNamespace } from "./decide-settings.js";
import type { JournalEntry } from "./journal-entry.js";
import type { JournalGroupContent } from "./journal-group.js";
import type { JournalPoint } from "./journal-history.js";
import type { CommitPlan } from "./commit-plan.js";
import { replayTransaction } from "./replay-transaction.js";
import { listHolders } from "./owing-nodes.js";
import { dropWebhook, setWebhook } from "./decide-webhook.js";

/** What groups are replayed into: the state that the journal up to `head` implies. */
export interface ReplayView {
  readonly head: JournalPoint;
  /** Of the keys in `listReplayedFiles`, those that exist. */
  readonly files: readonly FileRecord[];
  readonly namespaces: readonly NamespaceRow[];
  readonly nodes: readonly NodeRow[];
}

/**
 * What replayed groups change of the state. Sets, not steps. Who keeps only the live set leaves out the former versions
 * and the entries: they are the history that a catalog made from the journal can undo.
 */
export type ReplayPlan = Pick<
  CommitPlan,
  | "filesToPut"
  | "filesToRemove"
  | "formersToPut"
  | "formersToRemove"
  | "entriesToForget"
  | "purgesToAdd"
  | "namespacesToPut"
  | "namespacesToRemove"
  | "nodesToPut"
  | "webhooksToPut"
  | "webhooksToRemove"
  | "debtsToAdd"
  | "transactionsToPut"
  | "stagedToPut"
  | "transactionsToLock"
  | "transactionsToClear"
>;

/** The files that must be looked at before the groups can be replayed; each once. */
export function listReplayedFiles(groups: readonly JournalGroupContent[]): FileRef[] {
  const refs = new Map<string, FileRef>();
  for (const { entries } of groups) {
    for (const { namespace, key } of entries.flatMap(listNamedKeys)) {
      refs.set(formatFileRef({ namespace, key }), { namespace, key });
    }
  }
  return [...refs.values()];
}

/** What a transaction reserves depends on what its keys name now. */
function listNamedKeys(entry: JournalEntry): readonly FileRef[] {
  if (entry.kind === "prepare") return entry.changes;
  return "key" in entry ? [entry] : [];
}

/**
 * What groups of the journal come to, in the order of their numbers: the state that the commits that wrote them left,
 * but for what is no part of the journal (heartbeats, debts, backfill positions, open transactions). Pure. Who replays has made sure that
 * the groups continue `head`.
 */
export function replayGroups(view: ReplayView, groups: readonly JournalGroupContent[]): ReplayPlan {
  const { head, files, namespaces, nodes } = view;
  const nothing = {
    ...{ epoch: 0, recorded: [], formers: [], purges: [], differences: [] },
    ...{ transactions: [], staged: [], locks: [] },
    ...{ hasDebts: false, hasBlobs: true, nowMs: 0, monotonicMs: 0 },
  };
  const purged: VersionRef[] = [];
  const draft = new CommitDraft({ head: { ...head, timeMs: 0 }, files, namespaces, nodes, ...nothing });
  for (const group of groups) {
    draft.moveTime(group.timeMs);
    for (const entry of group.entries) {
      replayEntry(draft, entry);
      if (entry.kind === "purge") purged.push({ namespace: entry.namespace, key: entry.key, version: entry.version });
    }
  }
  return {
    filesToPut: draft.files.listSet(),
    filesToRemove: draft.files.listRemoved(),
    formersToPut: draft.formers.listSet(),
    // Whether they were former versions or the current one by then.
    formersToRemove: purged,
    entriesToForget: draft.entriesToForget,
    purgesToAdd: [...draft.purgesToAdd.values()],
    namespacesToPut: draft.namespaces.listSet(),
    namespacesToRemove: draft.namespaces.listRemoved().map(({ name }) => name),
    nodesToPut: draft.nodes.listSet(),
    webhooksToPut: [...draft.webhooksToPut.values()],
    webhooksToRemove: [...draft.webhooksToRemove],
    debtsToAdd: [...draft.debtsToAdd.values()],
    transactionsToPut: draft.transactions.listSet(),
    stagedToPut: draft.staged.listSet(),
    transactionsToLock: [...draft.transactionsToLock],
    transactionsToClear: [...draft.transactionsToClear],
  };
}

/** The one place that says what each kind of entry means to whoever only reads the journal. */
function replayEntry(draft: CommitDraft, entry: JournalEntry): number {
  switch (entry.kind) {
    case "put":
      return replayPut(draft, entry);
    case "delete":
      return draft.removeFile(entry);
    case "purge":
      return draft.purgeVersion(entry, entry.digest);
    case "horizon":
      return moveHorizon(draft, entry.namespace, entry.horizon);
    case "namespace":
      return setNamespace(draft, entry.namespace, entry.policy);
    case "namespace-drop":
      return dropNamespace(draft, entry.namespace);
    case "node":
      return setNode(draft, entry.node);
    case "prepare":
    case "commit":
    case "abort":
      return replayTransaction(draft, entry);
    case "webhook":
      return setWebhook(draft, entry.webhook);
    case "webhook-drop":
      return dropWebhook(draft, entry.id);
  }
}

/** The journal does not say where the bytes are: every holder looks, and fetches what it lacks. */
function replayPut(draft: CommitDraft, entry: JournalEntry & { kind: "put" }): number {
  const { namespace, content } = entry;
  const number = draft.putFile(entry, content);
  for (const { id } of listHolders(draft.nodes.values())) {
    const { digest, sizeBytes } = content;
    draft.addDebt({ node: id, namespace, digest, sizeBytes, copies: 0, number });
  }
  return number;
}
