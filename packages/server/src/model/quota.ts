import type { NamespaceName } from "@koboldfs/protocol";
import type { ChangeRefused } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { refuse } from "./refusal.js";
import type { StagedChange } from "./staged-change.js";
import { addUsage, findExcess, type Reservation, type Usage, usageChange } from "./usage.js";

/** Usage is a signed 64-bit integer in every engine. */
const MAX_NAMESPACE_BYTES = 2n ** 63n - 1n;
const NOTHING: Usage = { files: 0, bytes: 0n };

/** Refuses growth for which there is no room. What prepared transactions will add counts as if it were there already. */
export function checkQuota(draft: CommitDraft, name: NamespaceName, growth: Usage): ChangeRefused | undefined {
  const namespace = draft.namespaces.get(name);
  if (namespace === undefined) return undefined;
  if (namespace.bytes + growth.bytes > MAX_NAMESPACE_BYTES) {
    return refuse("too_large", `namespace ${name} would hold ${namespace.bytes + growth.bytes} bytes`);
  }
  const reserved = sumReserved(draft, name);
  const excess = findExcess(namespace.policy, addUsage(namespace, reserved), growth);
  if (excess === undefined) return undefined;
  const { files, bytes } = reserved;
  const ofPrepared = files > 0 || bytes > 0n ? ` (prepared transactions reserve ${files} files, ${bytes} bytes)` : "";
  return refuse("quota_exceeded", `namespace ${name} ${excess}${ofPrepared}`);
}

function sumReserved(draft: CommitDraft, name: NamespaceName): Usage {
  let sum = NOTHING;
  for (const { state, reserved } of draft.transactions.values()) {
    const own = state === "prepared" ? reserved?.[name] : undefined;
    if (own !== undefined) sum = addUsage(sum, { files: own.files, bytes: BigInt(own.bytes) });
  }
  return sum;
}

/** What the changes, all of them together, would add to each namespace as it is now. */
export function growthOf(draft: CommitDraft, changes: readonly StagedChange[]): Map<NamespaceName, Usage> {
  const sums = new Map<NamespaceName, Usage>();
  for (const change of changes) {
    if (change.kind === "read") continue;
    const growth = usageChange(draft.findStoredFile(change)?.sizeBytes, change.content?.sizeBytes);
    sums.set(change.namespace, addUsage(sums.get(change.namespace) ?? NOTHING, growth));
  }
  return sums;
}

/** The room that is kept for the changes from their prepare on: nothing can take it, so that their commit cannot fail. */
export function reserve(draft: CommitDraft, changes: readonly StagedChange[]): Readonly<Record<string, Reservation>> {
  const reserved: Record<string, Reservation> = {};
  for (const [name, { files, bytes }] of growthOf(draft, changes)) {
    if (files > 0 || bytes > 0n) reserved[name] = { files: Math.max(files, 0), bytes: Math.max(Number(bytes), 0) };
  }
  return reserved;
}
