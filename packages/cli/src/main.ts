import { setMaxListeners } from "node:events";
import { Command, CommanderError } from "commander";
import type { CommandContext } from "./command-context.js";
import { COMMAND_TABLE, HIDDEN_COMMANDS } from "./command-table.js";
import { EXIT, EXIT_MEANINGS } from "./exit-codes.js";
import { reportFailure } from "./failure-report.js";
import { INTERRUPTING_SIGNALS, Interrupt, type InterruptingSignal } from "./interrupt.js";
import { readVersion } from "./version.js";

const HELP = `
Files are NAMESPACE/KEY. 'koboldfs help COMMAND' has the options of a command, and examples.
Environment: KOBOLDFS_SERVER (URLs, separated by commas), KOBOLDFS_TOKEN, KOBOLDFS_PROFILE; NO_COLOR.

Exit codes:
${EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join("\n")}`;

/** Runs one command line (without `node` and the script) in this process and answers the exit code of exit-codes.ts. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  // Each of many transfers at once listens to it; that is no leak.
  setMaxListeners(0, interruption.signal);
  const interrupt = (signal: InterruptingSignal) => interruption.abort(new Interrupt(signal));
  const { stdin, stdout, stderr, env } = process;
  stdout.on("error", exitQuietlyOnClosedPipe);
  for (const signal of INTERRUPTING_SIGNALS) process.once(signal, interrupt);
  try {
    return await runProgram(args, { stdin, stdout, stderr, env, signal: interruption.signal });
  } finally {
    for (const signal of INTERRUPTING_SIGNALS) process.off(signal, interrupt);
    // A terminal or pipe that nobody reads to its end would keep the process alive.
    stdin.destroy();
  }
}

/** Runs one command line in any world. */
export async function runProgram(args: readonly string[], world: Omit<CommandContext, "exitWith">): Promise<number> {
  let exitCode: number = EXIT.ok;
  const context: CommandContext = {
    ...world,
    exitWith: (code) => {
      exitCode = Math.max(exitCode, code);
    },
  };
  try {
    await createProgram(context).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (failure) {
    // Commander has printed its own errors, and help is no error.
    if (failure instanceof CommanderError) return failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const report = reportFailure(failure, args.includes("--json"));
    context.stderr.write(`${report.line}\n`);
    return report.exitCode;
  }
}

/** The whole program, as help, completion and documentation see it too. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("koboldfs")
    .description("Stores files by key on two or more machines.")
    .version(readVersion())
    // Else `purge --version 17` would print the version of the command.
    .enablePositionalOptions()
    .addHelpText("after", HELP)
    .helpCommand(true);
  for (const makeCommand of COMMAND_TABLE) program.addCommand(makeCommand(context));
  for (const makeCommand of HIDDEN_COMMANDS) program.addCommand(makeCommand(context), { hidden: true });
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => context.stdout.write(text),
        writeErr: (text) => context.stderr.write(text),
        outputError: (text, write) => write(text.replace(/^error:/, "koboldfs:")),
      })
      .showHelpAfterError("See 'koboldfs help COMMAND'.");
  }
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** `koboldfs ls | head` closes our output early: that is no failure, and there is nobody left to tell. */
function exitQuietlyOnClosedPipe(failure: NodeJS.ErrnoException): void {
  if (failure.code === "EPIPE") process.exit(EXIT.ok);
  throw failure;
}
