import { EXIT } from "./exit-codes.js";

/** Signals that end a command in good order. */
export const INTERRUPTING_SIGNALS = ["SIGINT", "SIGTERM"] as const;
export type InterruptingSignal = (typeof INTERRUPTING_SIGNALS)[number];

/**
 * Signals this soon after the first are the same wish: npm passes Ctrl-C on to a program that the terminal has sent it to
 * already.
 */
const SAME_WISH_MS = 300;

/**
 * Tells of the wish to end. Whoever wishes it once more has waited long enough: the signal then ends the process at once,
 * as it ends a program that does not listen; `process.exit` would wait for a call of the kernel that does not return.
 * Answers the way to stop listening.
 */
export function listenForInterrupt(onWish: (signal: InterruptingSignal) => void): () => void {
  let firstMs: number | undefined;
  const stop = () => INTERRUPTING_SIGNALS.forEach((signal) => process.off(signal, onSignal));
  const onSignal = (signal: InterruptingSignal): void => {
    const now = performance.now();
    firstMs ??= now;
    if (now - firstMs <= SAME_WISH_MS) return onWish(signal);
    stop();
    process.kill(process.pid, signal);
  };
  for (const signal of INTERRUPTING_SIGNALS) process.on(signal, onSignal);
  return stop;
}

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
