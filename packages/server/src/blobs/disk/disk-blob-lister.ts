import { join } from "node:path";
import { isDigest } from "@koboldfs/protocol";
import type { FileSystem } from "../../runtime/file-system.js";
import type { BlobLister, BlobListing } from "../blob-lister.js";
import type { BlobRef } from "../blob-store.js";
import { findNamespace, listFolder, listShards } from "./shard-walk.js";

/** The last folder shard there can be. */
const LAST_SHARD = "ffff";

/** Lists the blob folders of several volumes as if they were one; needs nothing but the folders. */
export class DiskBlobLister implements BlobLister {
  readonly #files: FileSystem;
  readonly #roots: readonly string[];

  /** `roots`: the `blobs` folders. */
  constructor(files: FileSystem, roots: readonly string[]) {
    this.#files = files;
    this.#roots = roots;
  }

  async listBlobs(after: string, atLeast: number, signal?: AbortSignal): Promise<BlobListing> {
    const blobs: BlobRef[] = [];
    const places = await this.#listPlaces();
    for (let first = after === "" ? 0 : Number.parseInt(after.slice(0, 2), 16); first < 256; first += 1) {
      const prefix = formatByte(first);
      for (const second of await this.#listSecond(places, prefix)) {
        const shard = prefix + second;
        if (shard <= after) continue;
        signal?.throwIfAborted();
        blobs.push(...(await this.#listShard(places, shard)));
        if (blobs.length >= atLeast && shard < LAST_SHARD) return { blobs, next: shard };
      }
    }
    return { blobs };
  }

  async #listPlaces() {
    const places = [];
    for (const root of this.#roots) {
      for (const name of await listFolder(this.#files, root)) {
        const namespace = findNamespace(name);
        if (namespace !== undefined) places.push({ path: join(root, name), namespace });
      }
    }
    return places;
  }

  async #listSecond(places: readonly Place[], prefix: string): Promise<string[]> {
    const found = new Set<string>();
    for (const { path } of places) {
      for (const second of await listShards(this.#files, join(path, prefix))) found.add(second);
    }
    return [...found].sort();
  }

  /** A blob that lies on two volumes is one. */
  async #listShard(places: readonly Place[], shard: string): Promise<BlobRef[]> {
    const found = new Map<string, BlobRef>();
    for (const { path, namespace } of places) {
      const names = await listFolder(this.#files, join(path, shard.slice(0, 2), shard.slice(2)));
      for (const digest of names.filter(isDigest)) {
        if (digest.startsWith(shard)) found.set(`${digest} ${namespace}`, { namespace, digest });
      }
    }
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ref]) => ref);
  }
}

type Place = { readonly path: string; readonly namespace: BlobRef["namespace"] };

function formatByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
