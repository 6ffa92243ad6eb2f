import { MultiBar, type SingleBar } from "cli-progress";
import type { CommandContext } from "../command-context.js";

/** What is done sooner needs no line. */
const QUIET_MS = 1_000;
/** How often it is drawn anew. */
const REFRESHES_PER_SECOND = 5;

/**
 * One line on standard error that keeps changing while something is under way: on a terminal only, and not for what is
 * quick. Other lines are printed above it.
 */
export class LiveLine {
  readonly #context: CommandContext;
  readonly #format: (seconds: number) => string;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #shown: { bars: MultiBar; line: SingleBar } | undefined;

  /** `format` makes the line, given the seconds since the start. */
  constructor(context: CommandContext, format: (seconds: number) => string) {
    this.#context = context;
    this.#format = format;
    if (context.stderr.isTTY === true) this.#timer = setTimeout(() => this.#show(), QUIET_MS);
  }

  /** Prints a line on standard error. */
  print(text: string): void {
    if (this.#shown === undefined) this.#context.stderr.write(`${text}\n`);
    else this.#shown.bars.log(`${text}\n`);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#shown?.bars.stop();
    this.#shown = undefined;
  }

  #show(): void {
    const bars = new MultiBar({
      stream: this.#context.stderr,
      fps: REFRESHES_PER_SECOND,
      clearOnComplete: true,
      format: () => this.#format((performance.now() - this.#startedMs) / 1000),
    });
    this.#shown = { bars, line: bars.create(1, 0) };
  }
}
