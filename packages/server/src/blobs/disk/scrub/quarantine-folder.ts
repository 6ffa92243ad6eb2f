import { join } from "node:path";
import { isDigest, parseNamespaceName } from "@koboldfs/protocol";
import { crashPoint } from "../../../runtime/crash-points.js";
import { makeDurableFolder } from "../../../runtime/durable-folder.js";
import type { FileSystem } from "../../../runtime/file-system.js";
import type { BlobRef } from "../../blob-store.js";
import { errnoOf, isMissing } from "../disk-error.js";

/**
 * `<volume>/quarantine/<namespace>/<digest>.<number>`: bytes that are not what their name says, or cannot be read. They are
 * kept while no good copy is known here, since they may be the last there is of the blob. Rejects with system errors.
 */
export class QuarantineFolder {
  readonly #files: FileSystem;
  readonly #path: string;

  constructor(files: FileSystem, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Moves a file here, durably but for its absence where it was. */
  async keep(path: string, { namespace, digest }: BlobRef): Promise<void> {
    const folder = join(this.#path, parseNamespaceName(namespace));
    await makeDurableFolder(this.#files, folder);
    const names = new Set(await this.#files.readdir(folder));
    let number = 1;
    while (names.has(`${digest}.${number}`)) number += 1;
    await this.#files.rename(path, join(folder, `${digest}.${number}`));
    crashPoint("scrub.quarantined");
    await this.#files.syncFolder(folder);
  }

  async list(): Promise<BlobRef[]> {
    const found: BlobRef[] = [];
    for (const namespace of await this.#names(this.#path)) {
      const names = await this.#names(join(this.#path, namespace));
      for (const digest of new Set(names.map(digestOf))) {
        if (isDigest(digest)) found.push({ namespace: parseNamespaceName(namespace), digest });
      }
    }
    return found;
  }

  /** Unlinks what is kept of the blob; durable. */
  async remove({ namespace, digest }: BlobRef): Promise<void> {
    const folder = join(this.#path, parseNamespaceName(namespace));
    const names = (await this.#names(folder)).filter((name) => digestOf(name) === digest);
    for (const name of names) await this.#files.unlink(join(folder, name));
    if (names.length > 0) await this.#files.syncFolder(folder);
  }

  async #names(path: string): Promise<string[]> {
    try {
      return await this.#files.readdir(path);
    } catch (error) {
      if (isMissing(error) || errnoOf(error) === "ENOTDIR") return [];
      throw error;
    }
  }
}

function digestOf(name: string): string {
  return name.slice(0, name.indexOf("."));
}
