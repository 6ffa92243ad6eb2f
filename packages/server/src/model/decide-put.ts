import type { Digest, NodeId } from "@koboldfs/protocol";
import type { ChangeDone, ChangeOutcome, ChangeRefused, Expiry, FileContent, PutChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { NODE_STATES } from "./node-state.js";
import { listHolders, listIds } from "./owing-nodes.js";
import { checkPlacement } from "./placement-age.js";
import { preconditionHolds } from "./precondition.js";
import { checkQuota } from "./quota.js";
import { refuse } from "./refusal.js";
import { isStorable } from "./storable-text.js";
import { usageChange } from "./usage.js";

/** Metadata and content type are headers; the faces allow 8 KiB. A second, wider bound keeps a group's bytes bounded. */
const MAX_CONTENT_HEADER_BYTES = 64 * 1024;

export function decidePut(draft: CommitDraft, change: PutChange): ChangeOutcome {
  const placed = checkPut(draft, change, draft.findFile(change)?.digest);
  if (!(placed instanceof Set)) return placed;
  const before = draft.findStoredFile(change)?.sizeBytes;
  const full = checkQuota(draft, change.namespace, usageChange(before, change.content.sizeBytes));
  return full ?? namePut(draft, change, placed);
}

/** Why the put is refused where the key names `digest` now, or else the nodes that count as its copies. */
export function checkPut(
  draft: CommitDraft,
  change: PutChange,
  digest: Digest | undefined,
): ChangeRefused | Set<NodeId> {
  const namespace = draft.namespaces.get(change.namespace);
  if (namespace === undefined) return refuse("namespace_not_found", `there is no namespace ${change.namespace}`);
  const { content } = change;
  const refusal = checkContent(content) ?? checkPlacement(draft, change);
  if (refusal !== undefined) return refusal;
  if (!preconditionHolds(change.precondition, digest)) {
    return refuse("precondition_failed", `${change.key} is not in the demanded state`);
  }
  const placed = new Set(change.placedOn.filter((node) => hasStill(draft, node, change.placedAfter)));
  const wanted = Math.max(change.minCopies, namespace.policy.minCopies);
  return placed.size < wanted
    ? refuse("too_few_copies", `${placed.size} nodes have the file, ${wanted} are demanded`)
    : placed;
}

function namePut(draft: CommitDraft, change: PutChange, placed: ReadonlySet<NodeId>): ChangeDone {
  const { namespace, content } = change;
  const { digest, sizeBytes } = content;
  const { expiresMs: _, ...rest } = content;
  const expiresMs = planExpiry(draft, change);
  const version = draft.putFile(change, { ...rest, ...(expiresMs !== undefined && { expiresMs }) });
  const holders = listHolders(draft.nodes.values());
  const owing = holders.filter((node) => !placed.has(node.id));
  const copies = placed.size;
  for (const node of owing) draft.addDebt({ node: node.id, namespace, digest, sizeBytes, copies, number: version });
  for (const node of placed) draft.clearDebt({ node, namespace, digest });
  return {
    ...{ ok: true, version, modified: new Date(draft.timeMs), copies, holders: holders.length },
    ...{ owing: listIds(owing), replayed: false, content: { digest, sizeBytes } },
  };
}

/** A node that was declared dead or filled anew while the bytes were on their way is nobody's copy. */
function hasStill(draft: CommitDraft, node: NodeId, placedAfter = Number.POSITIVE_INFINITY): boolean {
  const known = draft.nodes.get(node);
  return known === undefined || (NODE_STATES[known.state].serves && known.joinedAt <= placedAfter);
}

/** When the file shall expire: as the put says, or else the namespace. */
export function planExpiry(
  draft: CommitDraft,
  { namespace, expires }: Pick<PutChange, "namespace" | "expires">,
): number | undefined {
  const usualMs = draft.namespaces.get(namespace)?.policy.expireAfterMs;
  const wanted: Expiry = expires ?? (usualMs === undefined ? "never" : { afterMs: usualMs });
  if (wanted === "never") return undefined;
  return "atMs" in wanted ? wanted.atMs : draft.timeMs + wanted.afterMs;
}

/** What would make the whole group fail in the database is refused here, alone. */
function checkContent(content: FileContent) {
  const { sizeBytes, contentType, metadata } = content;
  if (sizeBytes > Number.MAX_SAFE_INTEGER) return refuse("too_large", `a file of ${sizeBytes} bytes cannot be counted`);
  if (!Number.isInteger(sizeBytes) || sizeBytes < 0) return refuse("invalid_request", `not a size: ${sizeBytes}`);
  if (!isStorable(contentType)) return refuse("invalid_request", "the content type holds what cannot be stored");
  const headers = Object.entries(metadata).flat();
  if (!headers.every(isStorable)) return refuse("invalid_metadata", "the metadata hold what cannot be stored");
  const headerBytes = headers.reduce((sum, text) => sum + Buffer.byteLength(text), Buffer.byteLength(contentType));
  if (headerBytes > MAX_CONTENT_HEADER_BYTES) return refuse("invalid_metadata", `${headerBytes} bytes of metadata`);
  return undefined;
}
