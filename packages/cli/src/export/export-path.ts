import { createHash } from "node:crypto";
import { findPathProblem, type FolderClashFinder } from "../sync/safe-path.js";

/** What belongs to the export itself, and not to a key. */
export const OWN_FOLDER = ".koboldfs-export";
/** Where keys lie that cannot be paths. */
export const ODD_FOLDER = `${OWN_FOLDER}/keys`;

/** What file systems take for one name, and Linux for a whole path with some room for the folder before it. */
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 3000;

/**
 * The path of a key in the tree: the key itself where it can be one. Any other key has its bytes all the same, in a file
 * named after its SHA-256; the manifest says which it is. Keys come in byte order.
 */
export function planPath(key: string, clashes: FolderClashFinder): { readonly path: string; readonly isOdd: boolean } {
  const isOdd = findPathProblem(key) !== undefined || isTooLong(key) || isOwn(key) || clashes.find(key) !== undefined;
  return { path: isOdd ? `${ODD_FOLDER}/${createHash("sha256").update(key).digest("hex")}` : key, isOdd };
}

function isTooLong(key: string): boolean {
  return (
    Buffer.byteLength(key) > MAX_PATH_BYTES ||
    key.split("/").some((segment) => Buffer.byteLength(segment) > MAX_NAME_BYTES)
  );
}

function isOwn(key: string): boolean {
  return key === OWN_FOLDER || key.startsWith(`${OWN_FOLDER}/`);
}
