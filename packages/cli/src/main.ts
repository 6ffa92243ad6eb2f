import { setMaxListeners } from "node:events";
import { Command, CommanderError } from "commander";
import type { CommandContext } from "./command-context.js";
import { COMMAND_TABLE } from "./command-table.js";
import { EXIT } from "./exit-codes.js";
import { reportFailure } from "./failure-report.js";
import { Interrupt } from "./interrupt.js";
import { readVersion } from "./version.js";

const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 no server answered, 5 not allowed, 130 interrupted.
Files are NAMESPACE/KEY. Environment: KOBOLDFS_SERVER (URLs, separated by commas), KOBOLDFS_TOKEN.`;

/** Runs one command line (without `node` and the script) and answers the exit code of exit-codes.ts. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  // Each of many transfers at once listens to it; that is no leak.
  setMaxListeners(0, interruption.signal);
  const interrupt = () => interruption.abort(new Interrupt());
  let exitCode: number = EXIT.ok;
  const context: CommandContext = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: interruption.signal,
    exitWith: (code) => {
      exitCode = Math.max(exitCode, code);
    },
  };
  process.stdout.on("error", exitQuietlyOnClosedPipe);
  process.once("SIGINT", interrupt);
  try {
    await createProgram(context).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (failure) {
    // Commander has printed its own errors, and help is no error.
    if (failure instanceof CommanderError) return failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const report = reportFailure(failure, args.includes("--json"));
    process.stderr.write(`${report.line}\n`);
    return report.exitCode;
  } finally {
    process.off("SIGINT", interrupt);
  }
}

/** The whole program, as help, completion and documentation see it too. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("koboldfs")
    .description("Stores files by key on two or more machines.")
    .version(readVersion())
    .addHelpText("after", EXIT_CODES_HELP)
    .helpCommand(true);
  for (const makeCommand of COMMAND_TABLE) program.addCommand(makeCommand(context));
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
