import { parsePrefixAddress } from "../file-address.js";
import type { FileSelection } from "../files/file-selection.js";
import { UsageError } from "../usage-error.js";

/** Where copies go: one key, or everything below a prefix. */
export interface CopyTarget {
  readonly namespace: string;
  readonly key: string;
  readonly isPrefix: boolean;
}

export interface CopyWish {
  readonly selections: readonly FileSelection[];
  readonly recursive: boolean;
}

/**
 * Reads the target of a copy. `NAMESPACE` and `NAMESPACE/PREFIX/` take files under their names, and so does any prefix
 * with --recursive. Throws a UsageError when several files would have one key, or a folder would go into itself.
 */
export function parseCopyTarget(text: string, { selections, recursive }: CopyWish): CopyTarget {
  const { namespace, key } = parsePrefixAddress(text);
  const isPrefix = key === "" || key.endsWith("/");
  const isOne = selections.length === 1 && selections[0]?.kind === "one";
  if (!isOne && !recursive && !isPrefix) {
    throw new UsageError("several files need NAMESPACE or NAMESPACE/PREFIX/ as target");
  }
  const target = recursive && !isPrefix ? { namespace, key: `${key}/`, isPrefix: true } : { namespace, key, isPrefix };
  for (const selection of recursive ? selections : []) {
    if (selection.kind !== "many" || selection.namespace !== namespace || !target.key.startsWith(selection.folder))
      continue;
    throw new UsageError(`${JSON.stringify(selection.text)} cannot go into itself: ${JSON.stringify(text)} lies in it`);
  }
  refuseTwice(selections, target);
  return target;
}

/** The key that a file of the selection gets at the target. Throws a UsageError for one without a name to keep. */
export function targetKeyOf(selection: FileSelection, key: string, target: CopyTarget): string {
  if (!target.isPrefix) return target.key;
  const name = selection.kind === "many" ? key.slice(selection.folder.length) : key.slice(key.lastIndexOf("/") + 1);
  if (name !== "") return target.key + name;
  throw new UsageError(`the key ${JSON.stringify(key)} ends in no name to keep; name the whole target`);
}

/** Files that were named one by one are known now; what patterns find is watched while they are listed. */
function refuseTwice(selections: readonly FileSelection[], target: CopyTarget): void {
  const keys = new Set<string>();
  for (const selection of selections) {
    if (selection.kind === "many") continue;
    const key = targetKeyOf(selection, selection.key, target);
    if (keys.has(key)) throw new UsageError(`two of the files would be ${target.namespace}/${key}`);
    keys.add(key);
  }
}
