import { setMaxListeners } from "node:events";
import { Command, CommanderError } from "commander";
import type { CommandContext } from "./command-context.js";
import type { CommandMaker } from "./command-maker.js";
import { COMMAND_TABLE, type CommandEntry, HIDDEN_COMMANDS } from "./command-table.js";
import { EXIT, EXIT_MEANINGS } from "./exit-codes.js";
import { reportFailure } from "./failure-report.js";
import { Interrupt, type InterruptingSignal, listenForInterrupt } from "./interrupt.js";
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
  let wished: InterruptingSignal | undefined;
  const stopListening = listenForInterrupt((signal) => {
    wished = signal;
    interruption.abort(new Interrupt(signal));
  });
  const { stdin, stdout, stderr, env } = process;
  stdout.on("error", exitQuietlyOnClosedPipe);
  try {
    const code = await runProgram(args, { stdin, stdout, stderr, env, signal: interruption.signal });
    if (wished !== undefined && code === new Interrupt(wished).exitCode) endSoon(wished);
    return code;
  } finally {
    stopListening();
    // A terminal or pipe that nobody reads to its end would keep the process alive.
    stdin.destroy();
  }
}

/** What was given up may still be in a call that does not return, such as opening a pipe that nobody writes to. */
const GIVEN_UP_MS = 2000;

/** For a process that has done what it could and would end by itself, were it not for such a call. */
function endSoon(signal: InterruptingSignal): void {
  setTimeout(() => process.kill(process.pid, signal), GIVEN_UP_MS).unref();
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
    const program = await createProgram(context, args);
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (failure) {
    // Commander has printed its own errors, and help is no error.
    if (failure instanceof CommanderError) return failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const report = reportFailure(failure, args.includes("--json"));
    context.stderr.write(`${report.line}\n`);
    return report.exitCode;
  }
}

/** The program with those of its commands that the command line can be about. */
async function createProgram(context: CommandContext, args: readonly string[]): Promise<Command> {
  const program = new Command("koboldfs")
    .description("Stores files by key on two or more machines.")
    .version(readVersion())
    // Else `purge --version 17` would print the version of the command.
    .enablePositionalOptions()
    .addHelpText("after", HELP)
    .helpCommand(true);
  for (const { entry, makeCommand } of await loadCommands(args[0])) {
    program.addCommand(makeCommand(context), { hidden: HIDDEN_COMMANDS.includes(entry) });
  }
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

/** One command when the first word names it; all for help, for what is about commands, and for what is none. */
async function loadCommands(name: string | undefined): Promise<{ entry: CommandEntry; makeCommand: CommandMaker }[]> {
  const all = [...COMMAND_TABLE, ...HIDDEN_COMMANDS];
  const named = all.filter((entry) => entry.name === name && entry.needsAll !== true);
  const wanted = named.length > 0 ? named : all;
  return Promise.all(wanted.map(async (entry) => ({ entry, makeCommand: await entry.load() })));
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** `koboldfs ls | head` closes our output early: that is no failure, and there is nobody left to tell. */
function exitQuietlyOnClosedPipe(failure: NodeJS.ErrnoException): void {
  if (failure.code === "EPIPE") process.exit(EXIT.ok);
  throw failure;
}
