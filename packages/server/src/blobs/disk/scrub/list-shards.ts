import { join } from "node:path";
import { isDigest, parseNamespaceName } from "@koboldfs/protocol";
import { formatShard, SHARDS, shardOf } from "../../../model/folder-shard.js";
import type { FileSystem } from "../../../runtime/file-system.js";
import type { BlobRef } from "../../blob-store.js";
import type { ShardStretch, StoredCopy } from "../../scrubbed-store.js";
import { errnoOf, isMissing, toDiskError } from "../disk-error.js";

/** A volume as the listing sees it. */
export interface ListedVolume {
  readonly id: string;
  /** Its blob folder. */
  readonly root: string;
  readonly files: Pick<FileSystem, "findStat" | "readdir">;
}

/** Copies after which a stretch ends: one question to the catalog for them, and little to do over after a failure. */
const STRETCH_COPIES = 256;
/** Bytes after which it ends: at full speed a second's work. */
const STRETCH_BYTES = 512 * 1024 * 1024;
/** Shards after which it ends, however empty: a sixteenth of all. */
const STRETCH_SHARDS = 4_096;

/** What lies on the volumes from the shard `from` on. */
export async function listStretch(
  folders: readonly Omit<ListedVolume, "files">[],
  from: number,
  files: ListedVolume["files"],
): Promise<ShardStretch> {
  const volumes = folders.map(({ id, root }) => ({ id, root, files }));
  const last = Math.min(from + STRETCH_SHARDS, SHARDS) - 1;
  const copies: StoredCopy[] = [];
  let bytes = 0;
  const shards = new ShardFolders(volumes);
  for (let shard = from; shard <= last; shard += 1) {
    for (const folder of await shards.listShard(shard)) {
      for (const copy of await listFolder(folder)) {
        copies.push(copy);
        bytes += copy.sizeBytes;
      }
    }
    if (copies.length >= STRETCH_COPIES || bytes >= STRETCH_BYTES) return { to: shard, copies };
  }
  return { to: last, copies };
}

/** The copy that lies where its name says, or undefined. */
export async function findCopy(volume: ListedVolume, ref: BlobRef): Promise<StoredCopy | undefined> {
  const [first, second] = formatShard(shardOf(ref.digest));
  const path = join(volume.root, ref.namespace, first, second, ref.digest);
  return statCopy({ volume, path, ref, isInPlace: true });
}

interface ShardFolder {
  readonly volume: ListedVolume;
  readonly namespace: string;
  readonly shard: number;
  readonly path: string;
}

/** Knows which folders there are, so that 65,536 shards of a volume with few blobs cost few questions. */
class ShardFolders {
  readonly #volumes: readonly ListedVolume[];
  #namespaces: { volume: ListedVolume; namespace: string }[] | undefined;
  #first = "";
  #seconds: { volume: ListedVolume; namespace: string; names: ReadonlySet<string> }[] = [];

  constructor(volumes: readonly ListedVolume[]) {
    this.#volumes = volumes;
  }

  async listShard(shard: number): Promise<ShardFolder[]> {
    const [first, second] = formatShard(shard);
    if (first !== this.#first) await this.#turnTo(first);
    return this.#seconds
      .filter(({ names }) => names.has(second))
      .map(({ volume, namespace }) => {
        return { volume, namespace, shard, path: join(volume.root, namespace, first, second) };
      });
  }

  async #turnTo(first: string): Promise<void> {
    this.#namespaces ??= await this.#listNamespaces();
    const seconds = [];
    for (const { volume, namespace } of this.#namespaces) {
      const names = await listNames(volume.files, join(volume.root, namespace, first));
      seconds.push({ volume, namespace, names: new Set(names) });
    }
    [this.#first, this.#seconds] = [first, seconds];
  }

  async #listNamespaces(): Promise<{ volume: ListedVolume; namespace: string }[]> {
    const found = [];
    for (const volume of this.#volumes) {
      for (const namespace of await listNames(volume.files, volume.root)) {
        if (isNamespace(namespace)) found.push({ volume, namespace });
      }
    }
    return found;
  }
}

/** Only what has a blob's name; other files are nobody's that we know. */
async function listFolder({ volume, namespace, shard, path }: ShardFolder): Promise<StoredCopy[]> {
  const copies = [];
  for (const digest of (await listNames(volume.files, path)).filter(isDigest)) {
    const ref = { namespace: parseNamespaceName(namespace), digest };
    const isInPlace = shardOf(digest) === shard;
    const copy = await statCopy({ volume, path: join(path, digest), ref, isInPlace });
    if (copy !== undefined) copies.push(copy);
  }
  return copies;
}

async function statCopy(
  copy: { volume: ListedVolume } & Pick<StoredCopy, "path" | "ref" | "isInPlace">,
): Promise<StoredCopy | undefined> {
  const { volume, path, ref, isInPlace } = copy;
  try {
    const stat = await volume.files.findStat(path);
    if (stat === undefined) return undefined;
    return { ref, path, isInPlace, volume: volume.id, sizeBytes: stat.sizeBytes, modifiedMs: stat.modifiedMs };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toDiskError(error, `cannot look at ${path}`);
  }
}

async function listNames(files: ListedVolume["files"], path: string): Promise<string[]> {
  try {
    return (await files.readdir(path)).sort();
  } catch (error) {
    // No such folder (any more), or a file that somebody put here.
    if (isMissing(error) || errnoOf(error) === "ENOTDIR") return [];
    throw toDiskError(error, `cannot list ${path}`);
  }
}

function isNamespace(name: string): boolean {
  try {
    return parseNamespaceName(name) === name;
  } catch {
    return false;
  }
}
