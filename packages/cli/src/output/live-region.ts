import type { CommandContext } from "../command-context.js";
import { cutText } from "./text-width.js";

/** What is done sooner needs no progress. */
const QUIET_MS = 1_000;
/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 200;
/** A terminal that does not tell its size is as large as they were for decades. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** Goes to the beginning of the line so many lines up, and clears everything from there. */
const eraseLines = (count: number): string => `\r${count > 1 ? `\u001b[${count - 1}A` : ""}\u001b[J`;

/** So much room the lines have. */
export interface RegionSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Lines at the end of the terminal, on standard error, that keep changing while something is under way. On a terminal
 * only, and not for what is quick. Other lines are printed above them.
 */
export class LiveRegion {
  readonly #context: CommandContext;
  readonly #render: (seconds: number, size: RegionSize) => readonly string[];
  readonly #startedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #drawnLines = 0;

  /** `render` makes the lines, given the seconds since the start; lines that are too long are cut. */
  constructor(context: CommandContext, render: (seconds: number, size: RegionSize) => readonly string[]) {
    this.#context = context;
    this.#render = render;
    if (context.stderr.isTTY === true) this.#timer = setTimeout(() => this.#begin(), QUIET_MS);
  }

  /** Prints a line on standard error, above. */
  print(text: string): void {
    this.clear();
    this.#context.stderr.write(`${text}\n`);
  }

  /** Takes the lines off the terminal until they are drawn the next time. */
  clear(): void {
    if (this.#drawnLines === 0) return;
    this.#context.stderr.write(eraseLines(this.#drawnLines));
    this.#drawnLines = 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.clear();
  }

  #begin(): void {
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  #draw(): void {
    const { stderr } = this.#context;
    const size = { columns: (stderr.columns || DEFAULT_COLUMNS) - 1, rows: stderr.rows || DEFAULT_ROWS };
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const lines = this.#render(seconds, size)
      .slice(0, Math.max(size.rows - 1, 1))
      .map((line) => cutText(line, size.columns));
    const erase = this.#drawnLines === 0 ? "" : eraseLines(this.#drawnLines);
    // In one write, so that no terminal shows the moment between.
    if (erase !== "" || lines.length > 0) stderr.write(erase + lines.join("\n"));
    this.#drawnLines = lines.length;
  }
}
