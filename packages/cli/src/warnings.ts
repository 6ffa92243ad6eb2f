import type { CommandContext } from "./command-context.js";
import { printable } from "./output/printable.js";

/** Something that is not as it should be and stops nothing. */
export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** One line on standard error, as a failure is told. */
export function tellWarning(context: CommandContext, warning: Warning, json = false): void {
  const { code, message, hint } = warning;
  const line = json ? JSON.stringify({ warning }) : `koboldfs: warning: ${printable(message)} (${code}). ${hint}`;
  context.stderr.write(`${line}\n`);
}
