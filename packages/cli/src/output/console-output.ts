import { once } from "node:events";
import type { CommandContext } from "../command-context.js";

/** A terminal that does not tell its width is as wide as they were for decades. */
const DEFAULT_COLUMNS = 80;

/** What a command says: lines for people, or JSON documents, one a line, for programs. */
export class ConsoleOutput {
  readonly json: boolean;
  readonly #context: CommandContext;

  constructor(context: CommandContext, json: boolean) {
    this.#context = context;
    this.json = json;
  }

  /** Columns of the terminal; undefined when the output is none, and lines may be as long as they are. */
  get width(): number | undefined {
    const { stdout } = this.#context;
    return stdout.isTTY === true ? (stdout.columns ?? DEFAULT_COLUMNS) : undefined;
  }

  /** One line on standard output. Waits while the reader is slow. */
  async line(text: string): Promise<void> {
    const { stdout, signal } = this.#context;
    if (!stdout.write(`${text}\n`)) await once(stdout, "drain", { signal });
  }

  async lines(texts: Iterable<string>): Promise<void> {
    for (const text of texts) await this.line(text);
  }

  /** The document with `--json`, else the text. */
  async result(document: unknown, text: string): Promise<void> {
    await this.line(this.json ? JSON.stringify(document) : text);
  }
}
