import { EXIT } from "./exit-codes.js";

/** Signals that end a command in good order. */
export const INTERRUPTING_SIGNALS = ["SIGINT", "SIGTERM"] as const;
export type InterruptingSignal = (typeof INTERRUPTING_SIGNALS)[number];

/** Ctrl-C, or SIGTERM: the reason of the command's signal. */
export class Interrupt extends Error {
  override readonly name = "Interrupt";
  readonly exitCode: number;
  readonly signal: InterruptingSignal;
  /** What is to be said besides. */
  readonly hint: string | undefined;

  constructor(signal: InterruptingSignal, hint?: string) {
    super("interrupted");
    this.signal = signal;
    this.hint = hint;
    this.exitCode = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  }
}
