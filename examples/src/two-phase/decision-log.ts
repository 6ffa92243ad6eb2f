import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * The decisions of a coordinator: ids that are to be committed, one on each line of a file, on the disk before anybody acts on
 * one. What is not in it is to be aborted.
 */
export class DecisionLog {
  readonly #file: FileHandle;
  readonly #decided: Set<string>;

  private constructor(file: FileHandle, decided: Set<string>) {
    this.#file = file;
    this.#decided = decided;
  }

  /**
   * Makes it where it is missing. A line that a crash tore was not decided, since nobody had been told to commit: it is cut off,
   * or the next decision would become a part of it. What is left is on the disk before anybody acts on it.
   */
  static async open(path: string): Promise<DecisionLog> {
    const file = await open(path, "a+");
    const text = await file.readFile("utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    await file.truncate(Buffer.byteLength(whole));
    await file.sync();
    await syncFolder(dirname(path));
    return new DecisionLog(file, new Set(whole.split("\n").slice(0, -1)));
  }

  has(id: string): boolean {
    return this.#decided.has(id);
  }

  /** Durable when it returns. When it throws the decision may be there or not: open the log anew, and recover. */
  async decideToCommit(id: string): Promise<void> {
    try {
      await this.#file.appendFile(`${id}\n`);
      await this.#file.sync();
    } catch (thrown) {
      // Nothing more is written behind what may be half a line.
      await this.#file.close();
      throw thrown;
    }
    this.#decided.add(id);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A file is only as durable as its name. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
