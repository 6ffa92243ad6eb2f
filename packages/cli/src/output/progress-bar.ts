import { stat } from "node:fs/promises";
import type { CommandContext } from "../command-context.js";
import { LiveLine } from "./live-line.js";
import { printable } from "./printable.js";
import { formatSize } from "./sizes.js";

/** Characters between nothing and everything. */
const BAR_WIDTH = 24;

/** How far one file is. */
export class ProgressBar {
  readonly #title: string;
  readonly #totalBytes: number | undefined;
  readonly #line: LiveLine;
  #doneBytes = 0;

  constructor(context: CommandContext, title: string, totalBytes?: number) {
    this.#title = printable(title);
    this.#totalBytes = totalBytes;
    this.#line = new LiveLine(context, (seconds) => this.#format(seconds));
  }

  /** A bar for reading the file `path`, which may be `-` for a stream of unknown length. */
  static async start(context: CommandContext, path: string): Promise<ProgressBar> {
    const size =
      path === "-"
        ? undefined
        : await stat(path).then(
            (stats) => stats.size,
            () => undefined,
          );
    return new ProgressBar(context, path, size);
  }

  update(doneBytes: number): void {
    this.#doneBytes = doneBytes;
  }

  stop(): void {
    this.#line.stop();
  }

  #format(seconds: number): string {
    const rate = this.#doneBytes / seconds;
    const moved = `${formatSize(this.#doneBytes)}, ${formatSize(rate)}/s`;
    if (this.#totalBytes === undefined) return `${this.#title}  ${moved}`;
    const share = this.#totalBytes === 0 ? 1 : Math.min(this.#doneBytes / this.#totalBytes, 1);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
    const left = rate > 0 ? `, ${Math.ceil((this.#totalBytes - this.#doneBytes) / rate)} s left` : "";
    return `${this.#title}  ${bar} ${Math.floor(share * 100)} %  ${moved}${left}`;
  }
}
