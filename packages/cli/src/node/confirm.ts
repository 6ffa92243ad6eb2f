import { createInterface } from "node:readline/promises";
import type { CommandContext } from "../command-context.js";
import { UsageError } from "../usage-error.js";

/** Asks on the terminal. Without one nobody can be asked: then it throws, and the order is not given. */
export async function confirm(context: CommandContext, question: string): Promise<boolean> {
  const { stdin, stderr, signal } = context;
  if ((stdin as { isTTY?: boolean }).isTTY !== true) {
    throw new UsageError("without a terminal nothing can be asked; add --yes to do it");
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}
