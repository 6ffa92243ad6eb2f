import type { NamespaceName, NamespacePolicy } from "@koboldfs/protocol";
import type {
  ChangeDone,
  ChangeOutcome,
  DropNamespaceChange,
  NodeSettings,
  SetNamespaceChange,
  SetNodeChange,
} from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import type { NodeRow } from "./commit-view.js";
import { NODE_STATES } from "./node-state.js";
import { refuse } from "./refusal.js";
import { isStorable } from "./storable-text.js";

export function decideSetNamespace(draft: CommitDraft, change: SetNamespaceChange): ChangeOutcome {
  const { namespace: name, policy } = change;
  if (!Number.isSafeInteger(policy.minCopies) || policy.minCopies < 1) {
    return refuse("invalid_request", `min_copies must be 1 or more, not ${policy.minCopies}`);
  }
  if (!isStorable(policy.urlTemplate ?? "")) return refuse("invalid_request", "the URL template cannot be stored");
  return settingDone(draft, setNamespace(draft, name, policy));
}

/** Journals the policy and makes it the namespace's; answers the entry's number. */
export function setNamespace(draft: CommitDraft, name: NamespaceName, policy: NamespacePolicy): number {
  const before = draft.namespaces.get(name) ?? { files: 0, bytes: 0n, createdMs: draft.timeMs };
  const version = draft.append({ kind: "namespace", namespace: name, policy });
  draft.namespaces.set(name, { ...before, name, policy });
  return version;
}

export function decideDropNamespace(draft: CommitDraft, change: DropNamespaceChange): ChangeOutcome {
  const { namespace } = change;
  const before = draft.namespaces.get(namespace);
  if (before === undefined) return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  if (before.files > 0) return refuse("namespace_not_empty", `namespace ${namespace} has ${before.files} files`);
  return settingDone(draft, dropNamespace(draft, namespace));
}

/** Journals that the namespace is gone, and removes it; answers the entry's number. */
export function dropNamespace(draft: CommitDraft, namespace: NamespaceName): number {
  const version = draft.append({ kind: "namespace-drop", namespace });
  draft.namespaces.remove(namespace, draft.namespaces.get(namespace));
  return version;
}

export function decideSetNode(draft: CommitDraft, change: SetNodeChange): ChangeOutcome {
  const { id, name, url, zone, volumes } = change.node;
  if (![id, url, zone, ...volumes].every(isStorable))
    return refuse("invalid_request", "the node's settings cannot be stored");
  const others = [...draft.nodes.values()].filter((node) => node.id !== id);
  if (others.some((node) => node.name === name)) return refuse("node_name_taken", `another node is called ${name}`);
  return settingDone(draft, setNode(draft, change.node));
}

/** Journals the node's settings and makes them known; answers the entry's number. */
export function setNode(draft: CommitDraft, node: NodeSettings): number {
  const version = draft.append({ kind: "node", node });
  draft.nodes.set(node.id, { ...node, ...placeInJournal(draft, node, version) });
  return version;
}

/** Where the node's backfill stands after its entry with this number. */
function placeInJournal(
  draft: CommitDraft,
  node: NodeSettings,
  number: number,
): Pick<NodeRow, "joinedAt" | "backfillPosition"> {
  const before = draft.nodes.get(node.id);
  // While a node owes nothing (draining, dead) no debts are made for it: when it owes again it starts from the
  // beginning, else what was put meanwhile would be overlooked. What it still has costs backfill only a look.
  const keepsUp = before !== undefined && (NODE_STATES[before.state].owes || !NODE_STATES[node.state].owes);
  if (keepsUp) return { joinedAt: before.joinedAt, backfillPosition: before.backfillPosition };
  return { joinedAt: number, backfillPosition: draft.hasBlobs ? 0 : number };
}

function settingDone(draft: CommitDraft, version: number): ChangeDone {
  return { ok: true, version, modified: new Date(draft.timeMs), copies: 0, holders: 0, owing: [], replayed: false };
}
