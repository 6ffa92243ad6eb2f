import type { NamespaceName, NamespacePolicy } from "@koboldfs/protocol";
import type {
  ChangeDone,
  ChangeOutcome,
  DropNamespaceChange,
  MoveHorizonChange,
  SetNamespaceChange,
} from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { refuse } from "./refusal.js";
import { isStorable } from "./storable-text.js";

export function decideSetNamespace(draft: CommitDraft, change: SetNamespaceChange): ChangeOutcome {
  const { namespace: name, policy } = change;
  if (!Number.isSafeInteger(policy.minCopies) || policy.minCopies < 1) {
    return refuse("invalid_request", `min_copies must be 1 or more, not ${policy.minCopies}`);
  }
  if (![policy.retentionMs ?? 0, policy.expireAfterMs ?? 1].every(isDuration) || policy.expireAfterMs === 0) {
    return refuse(
      "invalid_request",
      `retention and expiry are at most ${MAX_DURATION_MS} ms, and an expiry is above 0`,
    );
  }
  if (![policy.maxFiles ?? 0, policy.maxBytes ?? 0].every(isCount)) {
    return refuse("invalid_request", "max_files and max_bytes are whole numbers from 0 on");
  }
  if (!isStorable(policy.urlTemplate ?? "")) return refuse("invalid_request", "the URL template cannot be stored");
  return settingDone(draft, setNamespace(draft, name, policy));
}

/** Journals the policy and makes it the namespace's; answers the entry's number. */
export function setNamespace(draft: CommitDraft, name: NamespaceName, policy: NamespacePolicy): number {
  const version = draft.append({ kind: "namespace", namespace: name, policy });
  // What another namespace of this name held is not this one's history.
  const fresh = { files: 0, bytes: 0n, createdMs: draft.timeMs, horizon: version };
  const before = draft.namespaces.get(name) ?? fresh;
  draft.namespaces.set(name, { ...before, name, policy });
  return version;
}

/** Above any use, and far below where times stop being safe integers: a hundred years. */
const MAX_DURATION_MS = 100 * 366 * 86_400_000;

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isDuration(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0 && ms <= MAX_DURATION_MS;
}

export function decideMoveHorizon(draft: CommitDraft, change: MoveHorizonChange): ChangeOutcome {
  const { namespace, horizon } = change;
  const row = draft.namespaces.get(namespace);
  if (row === undefined) return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  const head = draft.nextNumber - 1;
  if (horizon > head) return refuse("invalid_request", `the journal has not come to ${horizon} yet`);
  if (horizon <= row.horizon) return settingDone(draft, head);
  return settingDone(draft, moveHorizon(draft, namespace, horizon));
}

/** Journals that the history up to there is given up; answers the entry's number. */
export function moveHorizon(draft: CommitDraft, namespace: NamespaceName, horizon: number): number {
  const row = draft.namespaces.get(namespace);
  if (row !== undefined) draft.namespaces.set(namespace, { ...row, horizon });
  return draft.append({ kind: "horizon", namespace, horizon });
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
