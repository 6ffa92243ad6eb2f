import { KoboldError } from "@koboldfs/protocol";
import { Interrupt } from "./interrupt.js";
import { printable } from "./output/printable.js";
import { EXIT, exitCodeOf } from "./exit-codes.js";
import { UsageError } from "./usage-error.js";

export interface FailureReport {
  /** One line, without its end. */
  readonly line: string;
  readonly exitCode: number;
}

/** Tells a failure in one line: what happened, the code, and what to do about it. With `json`, as one JSON object. */
export function reportFailure(failure: unknown, json: boolean): FailureReport {
  if (failure instanceof Interrupt) {
    const { message, hint, exitCode } = failure;
    return format({ code: "interrupted", message, ...(hint !== undefined && { hint }) }, exitCode, json);
  }
  if (failure instanceof UsageError) {
    return format({ code: "usage", message: failure.message, hint: failure.hint }, EXIT.usage, json);
  }
  if (failure instanceof KoboldError) {
    return format({ code: failure.code, message: failure.message, hint: failure.rule.hint }, exitCodeOf(failure), json);
  }
  const message = failure instanceof Error ? failure.message : String(failure);
  return format({ code: "failed", message }, EXIT.failure, json);
}

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

function format(error: Told, exitCode: number, json: boolean): FailureReport {
  if (json) return { line: JSON.stringify({ error }), exitCode };
  const hint = error.hint === undefined ? "" : ` ${error.hint}`;
  return { line: `koboldfs: ${printable(error.message)} (${error.code}).${hint}`, exitCode };
}
