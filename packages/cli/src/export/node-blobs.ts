import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { describe } from "../sync/system-failure.js";

/** A blob as a file of this node. */
export interface BlobFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

/** What a file must have to be the bytes of a key. */
export interface WantedBlob {
  readonly digest: string;
  readonly size: number;
}

/** The blobs of a namespace on the volumes of this machine's node; their layout is that of ARCHITECTURE.md, "On disk". */
export class NodeBlobs {
  readonly #folders: readonly string[];

  private constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** Throws `volume_refused` for a folder that is no volume of this cluster: an unmounted disk is an empty folder. */
  static open(volumes: readonly string[], cluster: string, namespace: string): NodeBlobs {
    for (const volume of volumes) checkVolume(volume, cluster);
    return new NodeBlobs(volumes.map((volume) => join(volume, "blobs", namespace)));
  }

  /** Undefined when no volume has it in its full length. */
  find({ digest, size }: WantedBlob): BlobFile | undefined {
    for (const folder of this.#folders) {
      const path = join(folder, digest.slice(0, 2), digest.slice(2, 4), digest);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isFile() === true && stats.size === size) return { path, dev: stats.dev, ino: stats.ino };
    }
    return undefined;
  }
}

/** Whether the bytes of a file are those that its name promises. */
export async function hasDigest(path: string, digest: string): Promise<boolean> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex") === digest;
}

function checkVolume(volume: string, cluster: string): void {
  const path = join(volume, "koboldfs.json");
  let found: unknown;
  try {
    found = (JSON.parse(readFileSync(path, "utf8")) as { cluster?: unknown }).cluster;
  } catch (cause) {
    throw new KoboldError("volume_refused", `${volume} is no volume of a node: ${describe(cause)}`, { cause });
  }
  if (found === cluster) return;
  throw new KoboldError("volume_refused", `${volume} belongs to cluster ${String(found)}, the server to ${cluster}`);
}
