import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { UploadMemory } from "@koboldfs/client";

/** No server keeps an unfinished upload longer than six days. */
const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;
/** An address is some hundred bytes; anything longer is something else. */
const MAX_ADDRESS_LENGTH = 4096;

/**
 * Addresses of unfinished uploads in files of the user's cache folder, one each. It saves work and nothing depends on it:
 * where it cannot be written, an upload that breaks off with its process begins again.
 */
export class FileUploadMemory implements UploadMemory {
  readonly #folder: string;
  /** Of this process's uploads, those whose addresses are kept. */
  readonly #kept = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether an upload of this process is unfinished, and another process can go on with it. */
  get isNeeded(): boolean {
    return this.#kept.size > 0;
  }

  async find(fingerprint: string): Promise<string | undefined> {
    return orNothing(async () => {
      const text = await readFile(this.#path(fingerprint), "utf8");
      if (text.length > MAX_ADDRESS_LENGTH) return undefined;
      this.#kept.add(fingerprint);
      return text.trim();
    });
  }

  async keep(fingerprint: string, url: string): Promise<void> {
    await orNothing(async () => {
      // Whoever knows the address can go on with the upload, if the server wants no token.
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await this.#removeOld();
      const temporary = `${this.#path(fingerprint)}.${process.pid}`;
      await writeFile(temporary, `${url}\n`, { mode: 0o600 });
      await rename(temporary, this.#path(fingerprint));
      this.#kept.add(fingerprint);
    });
  }

  async forget(fingerprint: string): Promise<void> {
    this.#kept.delete(fingerprint);
    await orNothing(() => rm(this.#path(fingerprint), { force: true }));
  }

  async #removeOld(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > MAX_AGE_MS) await rm(path, { force: true });
    }
  }

  #path(fingerprint: string): string {
    return join(this.#folder, fingerprint);
  }
}

/** Undefined where the file system refuses: there is no such file, or no room, or no right. */
async function orNothing<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === undefined) throw failure;
    return undefined;
  }
}
