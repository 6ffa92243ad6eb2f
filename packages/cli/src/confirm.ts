import { createInterface } from "node:readline/promises";
import type { CommandContext } from "./command-context.js";

/** Whether there is somebody to ask. */
export function canAsk(context: CommandContext): boolean {
  return context.stdin.isTTY === true && context.stderr.isTTY === true;
}

/** Asks on the terminal; only `y` and `yes` mean yes. Throws the signal's reason. */
export async function confirm(context: CommandContext, question: string): Promise<boolean> {
  const { signal } = context;
  const dialogue = createInterface({ input: context.stdin, output: context.stderr, terminal: false });
  try {
    const answer = await dialogue.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (failure) {
    signal.throwIfAborted();
    throw failure;
  } finally {
    dialogue.close();
  }
}
