import { formatLogLine } from "./format-log-line.js";

/** Lines held back at most, while the nodes start. */
const MAX_HELD = 1_000;

/** What the nodes log, in short lines that begin with the node's name. */
export class DemoLog {
  readonly #write: (text: string) => void;
  readonly #options: { readonly colorize: boolean; readonly nameWidth: number };
  #held: string[] | undefined = [];

  /** Holds everything back until it is released. */
  constructor(write: (text: string) => void, options: { colorize: boolean; nameWidth: number }) {
    this.#write = write;
    this.#options = options;
  }

  take(node: string, line: string): void {
    this.say(`${node.padEnd(this.#options.nameWidth)}  ${this.format(line)}`);
  }

  format(line: string): string {
    return formatLogLine(line, this.#options.colorize);
  }

  /** Something to say about the nodes. */
  say(text: string): void {
    if (this.#held === undefined) this.#write(`${text}\n`);
    else if (this.#held.length < MAX_HELD) this.#held.push(`${text}\n`);
  }

  release(): void {
    for (const text of this.#held ?? []) this.#write(text);
    this.#held = undefined;
  }
}
