import type { NamespaceName, NamespacePolicy } from "@koboldfs/protocol";
import type { ChangeDone, ChangeOutcome, DropNamespaceChange, SetNamespaceChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
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

/** The outcome of a change that is no file's. */
export function settingDone(draft: CommitDraft, version: number): ChangeDone {
  return { ok: true, version, modified: new Date(draft.timeMs), copies: 0, holders: 0, owing: [], replayed: false };
}
