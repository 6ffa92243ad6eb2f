import { type FileRef, formatFileRef } from "../../model/commit-view.js";
import type { HeldFile } from "../catalog.js";
import { MAX_ROWS_PER_STATEMENT } from "./prepared-query.js";

/** Reads the files with these names; those that there are not are left out. */
export type FindFiles = (refs: readonly FileRef[]) => Promise<readonly HeldFile[]>;

/** Two, so that one query is on its way while the answer of another is read. */
const MAX_RUNNING = 2;

interface Lookup {
  readonly ref: FileRef;
  readonly resolve: (file: HeldFile | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers lookups: those that arrive while others are asked for share the next query, which costs a database hardly
 * more than one lookup. A query is sent after every lookup in it was asked for, so each sees what was acknowledged
 * before. When nothing runs, nothing waits.
 */
export class FileLookups {
  readonly #findFiles: FindFiles;
  readonly #waiting: Lookup[] = [];
  #running = 0;

  constructor(findFiles: FindFiles) {
    this.#findFiles = findFiles;
  }

  find(ref: FileRef): Promise<HeldFile | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ref, resolve, reject });
      void this.#runNext();
    });
  }

  async #runNext(): Promise<void> {
    if (this.#running >= MAX_RUNNING || this.#waiting.length === 0) return;
    const lookups = this.#waiting.splice(0, MAX_ROWS_PER_STATEMENT);
    this.#running += 1;
    try {
      const refs = new Map(lookups.map(({ ref }) => [formatFileRef(ref), ref]));
      const files = await this.#findFiles([...refs.values()]);
      const found = new Map(files.map((file) => [formatFileRef(file), file]));
      for (const { ref, resolve } of lookups) resolve(found.get(formatFileRef(ref)));
    } catch (error) {
      for (const { reject } of lookups) reject(error);
    }
    this.#running -= 1;
    void this.#runNext();
  }
}
