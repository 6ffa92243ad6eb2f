import { open, readFile } from "node:fs/promises";

/**
 * The decisions of a coordinator: ids that are to be committed, one on each line of a file, on the disk before anybody acts on
 * one. What is not in it is to be aborted.
 */
export class DecisionLog {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Durable when it returns. */
  async decideToCommit(id: string): Promise<void> {
    const file = await open(this.#path, "a");
    try {
      await file.write(`${id}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** A line that was torn by a crash was not decided: nobody had been told to commit. */
  async readDecisions(): Promise<Set<string>> {
    const text = await readFile(this.#path, "utf8").catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === "ENOENT") return "";
      throw thrown;
    });
    return new Set(text.split("\n").slice(0, -1));
  }
}
