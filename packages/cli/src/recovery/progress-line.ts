import type { RebuildProgress } from "@koboldfs/server/recovery";
import type { CommandContext } from "../command-context.js";
import { formatDuration } from "../output/durations.js";
import { LiveLine } from "../output/live-line.js";
import { formatCount } from "../output/sizes.js";

/** How far the making of a catalog is, on a terminal. */
export class ProgressLine {
  readonly #line: LiveLine;
  #latest: RebuildProgress = { step: "journal", done: 0 };

  constructor(context: CommandContext) {
    this.#line = new LiveLine(context, (seconds) => format(this.#latest, seconds));
  }

  show(progress: RebuildProgress): void {
    this.#latest = progress;
  }

  /** Idempotent. */
  stop(): void {
    this.#line.stop();
  }
}

function format({ step, done, of }: RebuildProgress, seconds: number): string {
  const what = step === "journal" ? "journal entries copied" : "blobs looked for";
  const total = of === undefined ? "" : ` of ${formatCount(of)}`;
  return `${formatCount(done)}${total} ${what}, ${formatDuration(seconds)}`;
}
