import { UsageError } from "../usage-error.js";
import { parsePrefixAddress } from "../file-address.js";

export interface SyncSides {
  readonly direction: "up" | "down";
  readonly folder: string;
  readonly namespace: string;
  /** Empty, or ending in a slash. */
  readonly prefix: string;
}

/**
 * Tells which side is the folder: what begins with `/` or `.`, else what is a folder that exists. A source that is
 * neither is taken for NAMESPACE/PREFIX.
 */
export function parseSyncSides(source: string, target: string, isFolder: (path: string) => boolean): SyncSides {
  const local = [source, target].map(isPathLike);
  if (local[0] === local[1]) {
    const found = [source, target].map((side) => isFolder(side));
    if (local[0] === true || (found[0] === true && found[1] === true)) throw ambiguous(source, target);
    return found[0] === true ? up(source, target) : down(source, target);
  }
  return local[0] === true ? up(source, target) : down(source, target);
}

function isPathLike(side: string): boolean {
  return side.startsWith("/") || side.startsWith(".") || /^[A-Za-z]:[\\/]/.test(side);
}

function up(folder: string, remote: string): SyncSides {
  return { direction: "up", folder: trimSlashes(folder), ...parseRemote(remote) };
}

function down(remote: string, folder: string): SyncSides {
  return { direction: "down", folder: trimSlashes(folder), ...parseRemote(remote) };
}

function parseRemote(text: string): { namespace: string; prefix: string } {
  const { namespace, key } = parsePrefixAddress(text);
  return { namespace, prefix: key === "" || key.endsWith("/") ? key : `${key}/` };
}

/** `/` stays itself. */
function trimSlashes(folder: string): string {
  return folder.replace(/(?<=.)\/+$/, "");
}

function ambiguous(source: string, target: string): UsageError {
  const sides = `${JSON.stringify(source)} and ${JSON.stringify(target)}`;
  return new UsageError(`${sides} are both folders; one side is NAMESPACE/PREFIX, and './NAME' always means a folder`);
}
