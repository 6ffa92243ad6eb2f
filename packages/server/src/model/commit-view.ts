import type { FileKey, NamespaceName, NamespacePolicy } from "@koboldfs/protocol";
import type { Change, ChangeDone, FileRecord, NodeSettings } from "./change.js";
import type { JournalPoint } from "./journal-history.js";

/** What a node knows to be committed, from its mirror. A catalog whose history does not contain it is not the one. */
export interface KnownHistory extends JournalPoint {
  /** The epoch of the catalog that the node knows; see `EpochRecord`. */
  readonly epoch: number;
}

/** What a commit decides on: read under the journal's lock, so that nothing of it can change before it is written. */
export interface CommitView {
  readonly head: JournalPoint & { readonly timeMs: number };
  /** How often the catalog was completed from a mirror or replaced by one. */
  readonly epoch: number;
  /** The catalog's clock now. */
  readonly nowMs: number;
  /** Of the keys in `ViewNeeds`, those that exist. */
  readonly files: readonly FileRecord[];
  /** Of the namespaces in `ViewNeeds`, those that exist. */
  readonly namespaces: readonly NamespaceRow[];
  /** Every node of the cluster. */
  readonly nodes: readonly NodeRow[];
  /** Of the idempotency keys in `ViewNeeds`, those that were used. */
  readonly recorded: readonly RecordedOutcome[];
  /** Whether anything at all is owed; nearly always not, which saves a write per commit. */
  readonly hasDebts: boolean;
  /** Whether the journal names any blob yet: the first nodes of a cluster have nothing to be backfilled. */
  readonly hasBlobs: boolean;
}

export interface NamespaceRow {
  readonly name: NamespaceName;
  readonly policy: NamespacePolicy;
  readonly files: number;
  readonly bytes: bigint;
  readonly createdMs: number;
}

export interface NodeRow extends NodeSettings {
  readonly joinedAt: number;
  readonly backfillPosition: number;
}

/** What an idempotency key's first arrival got. Refusals are not recorded: they may be tried again. */
export interface RecordedOutcome {
  readonly key: string;
  readonly fingerprint: string;
  readonly outcome: ChangeDone;
}

export interface FileRef {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
}

/** What must be read before the changes can be decided; each thing once. */
export interface ViewNeeds {
  readonly files: readonly FileRef[];
  readonly namespaces: readonly NamespaceName[];
  readonly idempotencyKeys: readonly string[];
}

export function listViewNeeds(changes: readonly Change[]): ViewNeeds {
  const files = new Map<string, FileRef>();
  const namespaces = new Set<NamespaceName>();
  const idempotencyKeys = new Set<string>();
  for (const change of changes) {
    if ("namespace" in change) namespaces.add(change.namespace);
    for (const ref of listFileRefs(change)) files.set(formatFileRef(ref), ref);
    if ("idempotency" in change && change.idempotency !== undefined) idempotencyKeys.add(change.idempotency.key);
  }
  return { files: [...files.values()], namespaces: [...namespaces], idempotencyKeys: [...idempotencyKeys] };
}

function listFileRefs(change: Change): FileRef[] {
  switch (change.kind) {
    case "put":
    case "delete":
      return [{ namespace: change.namespace, key: change.key }];
    case "copy":
    case "rename":
      return [
        { namespace: change.namespace, key: change.from },
        { namespace: change.namespace, key: change.to },
      ];
    default:
      return [];
  }
}

/** One text for one file: neither a namespace nor a key can hold NUL. */
export function formatFileRef(ref: FileRef): string {
  return `${ref.namespace}\0${ref.key}`;
}
