import type { FileKey, NamespaceName, NamespacePolicy } from "@koboldfs/protocol";
import { createHash } from "node:crypto";
import type { NodeSettings, PurgeChange, RejoinChange, RejoinedState, RejoinTransactionChange } from "./change.js";
import { formatFileRef } from "./commit-view.js";
import type { DeleteEntry, JournalEntry, PurgeEntry, PutEntry } from "./journal-entry.js";
import type { JournalGroupContent } from "./journal-group.js";
import type { StagedChange } from "./staged-change.js";
import type { JournaledTransaction } from "./transaction-entry.js";
import type { JournalPoint } from "./journal-history.js";
import type { WebhookSettings } from "./webhook.js";

/** What is said again, behind the catalog's history, of a branch that only a mirror had. */
export interface JoinPlan {
  /** Namespaces that the branch mentions, with the last policy that it gives them; to be made where there is none. */
  readonly namespaces: ReadonlyMap<NamespaceName, NamespacePolicy | undefined>;
  /** Nodes that the branch entered; to be entered where they are not known. */
  readonly nodes: readonly NodeSettings[];
  /** Webhooks that the branch entered and did not drop. */
  readonly webhooks: readonly WebhookSettings[];
  /** One for each key, in the order in which the branch first named them. */
  readonly files: readonly RejoinChange[];
  /** Versions from before the fork that the branch purged: they are not there any more, or have to go. */
  readonly purges: readonly PurgeChange[];
  /** Transactions that the branch prepared or ended, after their files. */
  readonly transactions: readonly RejoinTransactionChange[];
}

interface BranchedFile {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly entries: (PutEntry | DeleteEntry)[];
}

/**
 * Both sides of a fork were acknowledged, so both are kept: each version of the branch becomes a new version of its
 * key. Where the catalog's side went on with the same key, what it says stays current, since that is what clients
 * have read; the branch's versions are behind it. Pure; the same branch gives the same changes on every node.
 */
export function planJoin(
  fork: JournalPoint,
  branch: readonly JournalGroupContent[],
  catalog: readonly JournalGroupContent[],
): JoinPlan {
  const touched = new Set(entriesOf(catalog).flatMap((entry) => ("key" in entry ? [formatFileRef(entry)] : [])));
  const namespaces = new Map<NamespaceName, NamespacePolicy | undefined>();
  const nodes = new Map<string, NodeSettings>();
  const files = new Map<string, BranchedFile>();
  const webhooks = new Map<string, WebhookSettings>();
  const purges: PurgeEntry[] = [];
  const transactions = new Map<string, RejoinTransactionChange>();
  for (const entry of entriesOf(branch)) takeEntry(entry, { namespaces, nodes, webhooks, files, purges, transactions });
  const changes = [...files].map(([ref, file]): RejoinChange => {
    const { namespace, key, entries } = file;
    const idempotency = nameOf(fork, file);
    const keepsCurrent = touched.has(ref);
    const states = entries.map(stateOf);
    return { kind: "rejoin", namespace, key, states, forkedAt: fork.number, keepsCurrent, idempotency };
  });
  const older = purges.filter(({ version }) => version <= fork.number);
  return {
    ...{ namespaces, nodes: [...nodes.values()], webhooks: [...webhooks.values()], files: changes },
    transactions: [...transactions.values()],
    purges: older.map(({ namespace, key, version }) => ({ kind: "purge", namespace, key, version })),
  };
}

interface Draft {
  readonly namespaces: Map<NamespaceName, NamespacePolicy | undefined>;
  readonly nodes: Map<string, NodeSettings>;
  readonly webhooks: Map<string, WebhookSettings>;
  readonly files: Map<string, BranchedFile>;
  readonly purges: PurgeEntry[];
  readonly transactions: Map<string, RejoinTransactionChange>;
}

/** The one place that says what becomes of each kind of entry that only one side of a fork has. */
function takeEntry(entry: JournalEntry, draft: Draft): void {
  const { namespaces, nodes, webhooks, files, purges, transactions } = draft;
  switch (entry.kind) {
    case "put":
    case "delete": {
      const { namespace, key } = entry;
      if (!namespaces.has(namespace)) namespaces.set(namespace, undefined);
      const file = files.get(formatFileRef(entry)) ?? { namespace, key, entries: [] };
      file.entries.push(entry);
      files.set(formatFileRef(entry), file);
      return;
    }
    case "purge": {
      const file = files.get(formatFileRef(entry));
      const index = file?.entries.findIndex(({ number }) => number === entry.version) ?? -1;
      if (file !== undefined && index >= 0) file.entries.splice(index, 1);
      return void purges.push(entry);
    }
    case "horizon":
      // The catalog's own retention moves it.
      return;
    case "namespace":
      return void namespaces.set(entry.namespace, entry.policy);
    case "namespace-drop":
      // Dropped empty on one side only: the other side may have files in it by now.
      return void namespaces.delete(entry.namespace);
    case "node":
      return void nodes.set(entry.node.id, entry.node);
    case "prepare":
      return void transactions.set(entry.transaction.id, rejoinOf(entry.transaction, entry.changes));
    case "commit":
    case "abort": {
      const { kind, changes, stagedBytes, transaction } = entry;
      const end = { kind, changes, stagedBytes };
      return void transactions.set(transaction.id, { ...rejoinOf(transaction, []), end });
    }
    case "webhook":
      return void webhooks.set(entry.webhook.id, entry.webhook);
    case "webhook-drop":
      // One from before the fork stays: delivering too much hurts less than delivering nothing.
      return void webhooks.delete(entry.id);
  }
}

function rejoinOf(journaled: JournaledTransaction, prepared: readonly StagedChange[]): RejoinTransactionChange {
  return { kind: "rejoin-transaction", transaction: journaled, journaled, prepared };
}

function stateOf(entry: PutEntry | DeleteEntry): RejoinedState {
  return entry.kind === "put" ? { kind: "put", content: entry.content } : { kind: "delete" };
}

function entriesOf(groups: readonly JournalGroupContent[]): JournalEntry[] {
  return groups.flatMap(({ entries }) => entries);
}

/** Several nodes have the same branch: whoever joins it second finds it joined. */
function nameOf(fork: JournalPoint, { namespace, key, entries }: BranchedFile): RejoinChange["idempotency"] {
  const hash = createHash("sha256")
    .update(JSON.stringify([fork, namespace, key, entries]))
    .digest("hex");
  return { key: `branch:${hash}`, fingerprint: hash };
}
