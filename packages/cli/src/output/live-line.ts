import type { CommandContext } from "../command-context.js";
import { LiveRegion } from "./live-region.js";

/** A live region of one line. */
export class LiveLine extends LiveRegion {
  /** `format` makes the line, given the seconds since the start. */
  constructor(context: CommandContext, format: (seconds: number) => string) {
    super(context, (seconds) => [format(seconds)]);
  }
}
