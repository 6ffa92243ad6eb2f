import type { NamespacePolicy } from "@koboldfs/protocol";

/** Files and bytes that names stand for: those of a namespace, or what a change adds to them (below 0: takes away). */
export interface Usage {
  readonly files: number;
  readonly bytes: bigint;
}

/** What a prepared transaction will add; bytes beyond 2^53 are rounded. */
export interface Reservation {
  readonly files: number;
  readonly bytes: number;
}

export function addUsage(a: Usage, b: Usage): Usage {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes };
}

/** What naming a file of `next` bytes adds where one of `before` bytes was; undefined for no file. */
export function usageChange(before: number | undefined, next: number | undefined): Usage {
  return {
    files: Number(next !== undefined) - Number(before !== undefined),
    bytes: BigInt(next ?? 0) - BigInt(before ?? 0),
  };
}

/**
 * Which quota the growth would pass, as a sentence; undefined for none. What makes a namespace no larger is never in
 * the way, so that one that is over its quota, because that was lowered, can be tidied up.
 */
export function findExcess(
  { maxFiles, maxBytes }: Pick<NamespacePolicy, "maxFiles" | "maxBytes">,
  used: Usage,
  growth: Usage,
): string | undefined {
  const after = addUsage(used, growth);
  if (maxFiles !== undefined && growth.files > 0 && after.files > maxFiles) {
    return `would hold ${after.files} files; it may hold ${maxFiles}`;
  }
  if (maxBytes !== undefined && growth.bytes > 0n && after.bytes > maxBytes) {
    return `would hold ${after.bytes} bytes; it may hold ${maxBytes}`;
  }
  return undefined;
}
