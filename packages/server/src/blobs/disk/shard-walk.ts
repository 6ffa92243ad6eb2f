import { join } from "node:path";
import { isDigest, KoboldError, type NamespaceName, parseNamespaceName } from "@koboldfs/protocol";
import type { FileSystem } from "../../runtime/file-system.js";
import type { BlobRef } from "../blob-store.js";
import { errnoOf, isMissing, toDiskError } from "./disk-error.js";

const SHARD = /^[0-9a-f]{2}$/;

/**
 * The blobs below a blob folder, one folder shard (`<namespace>/ab/cd`) after the other, in the order of their names.
 * What has no blob's name, or lies in another shard than its digest says, is passed over. Throws `disk_failed`: a
 * folder that cannot be read is no empty folder.
 */
export async function* walkShards(files: FileSystem, root: string): AsyncGenerator<BlobRef[]> {
  for (const name of await listFolder(files, root)) {
    const namespace = findNamespace(name);
    if (namespace === undefined) continue;
    for (const first of await listShards(files, join(root, name))) {
      for (const second of await listShards(files, join(root, name, first))) {
        const names = await listFolder(files, join(root, name, first, second));
        const digests = names.filter(isDigest).filter((digest) => digest.startsWith(first + second));
        if (digests.length > 0) yield digests.map((digest) => ({ namespace, digest }));
      }
    }
  }
}

/** Names of two hex digits in a folder, in order. */
export async function listShards(files: FileSystem, path: string): Promise<string[]> {
  return (await listFolder(files, path)).filter((name) => SHARD.test(name));
}

/** Names in a folder, in order; none when it is not there. */
export async function listFolder(files: FileSystem, path: string): Promise<string[]> {
  try {
    return (await files.readdir(path)).sort();
  } catch (error) {
    // A folder that is gone by now, or a file that somebody put here.
    if (isMissing(error) || errnoOf(error) === "ENOTDIR") return [];
    throw toDiskError(error, `cannot list ${path}`);
  }
}

export function findNamespace(name: string): NamespaceName | undefined {
  try {
    return parseNamespaceName(name);
  } catch (error) {
    if (error instanceof KoboldError) return undefined;
    throw error;
  }
}
