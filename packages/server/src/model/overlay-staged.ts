import type { FileRecord } from "./change.js";
import { compareKeys } from "./key-order.js";
import type { KeyRange } from "./list-plan.js";
import type { StagedChange } from "./staged-change.js";

export type StagedRange = KeyRange;

/** Each reads the first `limit` of a stretch of keys, in their order. */
export interface OverlaySources {
  readFiles(range: KeyRange): Promise<readonly FileRecord[]>;
  readStaged(range: KeyRange): Promise<readonly StagedChange[]>;
}

/** What a staged put reads like; it has no number yet. */
export function stagedFile({ namespace, key, content }: StagedChange): FileRecord | undefined {
  if (content === undefined) return undefined;
  return { ...content, namespace, key, version: 0, modified: new Date(0) };
}

/**
 * The first `limit` files of a stretch as a transaction sees them. Where one source has more than was read, the other is
 * only believed up to there; so it reads on until there are enough or both have ended.
 */
export async function overlayStaged(range: KeyRange, sources: OverlaySources): Promise<FileRecord[]> {
  const found: FileRecord[] = [];
  for (let rest: KeyRange | undefined = range; rest !== undefined && found.length < range.limit; ) {
    const [files, staged] = [await sources.readFiles(rest), await sources.readStaged(rest)];
    const end = findEnd([files, staged], rest.limit);
    found.push(...merge(files, staged).filter(({ key }) => end === undefined || compareKeys(key, end) <= 0));
    rest = end === undefined ? undefined : { ...rest, from: end, isFromIncluded: false };
  }
  return found.slice(0, range.limit);
}

/** The key up to which both sources are known; undefined when both have ended. */
function findEnd(pages: readonly (readonly { key: string }[])[], limit: number): string | undefined {
  const ends = pages.flatMap((page) => (page.length < limit ? [] : [page.at(-1)?.key ?? ""]));
  return ends.sort(compareKeys)[0];
}

function merge(files: readonly FileRecord[], staged: readonly StagedChange[]): FileRecord[] {
  const merged = new Map<string, FileRecord>(files.map((file) => [file.key, file]));
  for (const change of staged) {
    if (change.kind === "read") continue;
    const file = stagedFile(change);
    if (file === undefined) merged.delete(change.key);
    else merged.set(change.key, file);
  }
  return [...merged.values()].sort((a, b) => compareKeys(a.key, b.key));
}
