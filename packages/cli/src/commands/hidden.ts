import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { CANDIDATE_KINDS, listCandidates } from "../completion/candidates.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import { describeCommands } from "../description/describe-commands.js";
import { parseCount } from "../option-values.js";

/** Nobody waits longer for a completion; without an answer by then there is none. */
const COMPLETION_MS = 1_500;

interface CompleteOptions extends ConnectionOptions {
  readonly patience: number;
}

/**
 * `__complete KIND WORD`: what the word may become, one a line, for the scripts of `koboldfs completion`. Whatever goes
 * wrong, it prints nothing: an error in the middle of a line that somebody types helps nobody.
 */
export function makeCompleteCommand(context: CommandContext): Command {
  return withConnection(new Command("__complete"))
    .argument("<kind>", CANDIDATE_KINDS.join(", "))
    .argument("[word]")
    .option("--patience <MS>", "how long to wait for an answer", parseCount, COMPLETION_MS)
    .action(async (kind: string, word: string | undefined, options: CompleteOptions) => {
      const patience = new AbortController();
      // Not AbortSignal.timeout: inside of AbortSignal.any, Node 20 collects it as garbage, and it never fires.
      const timer = setTimeout(() => patience.abort(), options.patience);
      const quiet = { ...context, signal: AbortSignal.any([context.signal, patience.signal]) };
      try {
        await withRun(quiet, options, async (run) => run.output.lines(await listCandidates(run, kind, word ?? "")));
      } catch {
        context.exitWith(1);
      } finally {
        clearTimeout(timer);
      }
    });
}

/** `__commands`: the command table, a JSON document for each command, for what is generated from it. */
export function makeCommandsCommand(context: CommandContext): Command {
  const command = new Command("__commands");
  return command.action(() => {
    const program = command.parent ?? command;
    for (const one of describeCommands(program)) context.stdout.write(`${JSON.stringify(one)}\n`);
  });
}
