import { join } from "node:path";
import type { FileSystem } from "../../runtime/file-system.js";
import type { BlobLocator, BlobPlace, BlobReader, BlobRef, ByteRange, OpenBlob } from "../blob-store.js";
import { PiecePool } from "../piece-pool.js";
import { READ_CHUNK_BYTES } from "../verified-bytes.js";
import { blobPath } from "./blob-path.js";
import { openBlobFile, statBlobFile } from "./disk-read.js";
import { BLOBS_FOLDER } from "./disk-volume.js";

export interface ReadOnlyVolumesOptions {
  /** The node's data directories, in the order of its configuration. */
  readonly directories: readonly string[];
  readonly files: FileSystem;
  /** Pieces of long blobs that are lent at once, for each directory. */
  readonly maxLent: number;
}

interface Volume {
  readonly index: number;
  readonly root: string;
  readonly pool: PiecePool;
}

/**
 * The blobs of volumes that another process of this node keeps. It takes no lock, writes nothing and judges nothing: what
 * it does not find, or finds bad, that other process has to look at.
 */
export class ReadOnlyVolumes implements BlobReader, BlobLocator {
  readonly #files: FileSystem;
  readonly #all: readonly Volume[];
  #inService: readonly Volume[] = [];

  constructor({ directories, files, maxLent }: ReadOnlyVolumesOptions) {
    this.#files = files;
    this.#all = directories.map((directory, index) => ({
      index,
      root: join(directory, BLOBS_FOLDER),
      pool: new PiecePool(READ_CHUNK_BYTES, maxLent),
    }));
  }

  /** The indexes of the volumes that take part now; none at first. */
  use(indexes: readonly number[]): void {
    this.#inService = this.#all.filter(({ index }) => indexes.includes(index));
  }

  async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    for (const { root, pool } of this.#inService) {
      const blob = await openBlobFile(this.#files, { ref, path: blobPath(root, ref), range, signal, pool });
      if (blob !== undefined) return blob;
    }
    return undefined;
  }

  async locate(ref: BlobRef): Promise<BlobPlace | undefined> {
    for (const { index, root } of this.#inService) {
      const path = blobPath(root, ref);
      const found = await statBlobFile(this.#files, path);
      if (found !== undefined) return { ...found, volume: index, path, pathInVolume: blobPath("", ref) };
    }
    return undefined;
  }
}
