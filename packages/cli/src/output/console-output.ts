import { once } from "node:events";
import type { CommandContext } from "../command-context.js";
import { takesColors } from "./colors.js";
import type { LiveRegion } from "./live-region.js";
import type { TableOptions } from "./table.js";

/** A terminal that does not tell its width is as wide as they were for decades. */
const DEFAULT_COLUMNS = 80;

/** What a command says: lines for people, or JSON documents, one a line, for programs. */
export class ConsoleOutput {
  readonly json: boolean;
  readonly #context: CommandContext;
  #region: LiveRegion | undefined;

  constructor(context: CommandContext, json: boolean) {
    this.#context = context;
    this.json = json;
  }

  /** Columns of the terminal; undefined when the output is none, and lines may be as long as they are. */
  get width(): number | undefined {
    const { stdout } = this.#context;
    return stdout.isTTY === true ? stdout.columns || DEFAULT_COLUMNS : undefined;
  }

  get colors(): boolean {
    return takesColors(this.#context.stdout, this.#context.env);
  }

  /** How tables look here. */
  get table(): TableOptions {
    return { width: this.width, colors: this.colors };
  }

  /** Lines that keep changing give way while a line is written. */
  standAbove(region: LiveRegion | undefined): void {
    this.#region = region;
  }

  /** One line on standard output. Waits while the reader is slow. */
  async line(text: string): Promise<void> {
    const { stdout, signal } = this.#context;
    this.#region?.clear();
    if (!stdout.write(`${text}\n`)) await once(stdout, "drain", { signal });
  }

  async lines(texts: Iterable<string>): Promise<void> {
    for (const text of texts) await this.line(text);
  }

  /** One line on standard error. */
  complain(text: string): void {
    this.#region?.clear();
    this.#context.stderr.write(`${text}\n`);
  }

  /** The document with `--json`, else the text. */
  async result(document: unknown, text: string): Promise<void> {
    await this.line(this.json ? JSON.stringify(document) : text);
  }
}
