import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The real command. */
export const COMMAND = fileURLToPath(new URL("../../bin/koboldfs.js", import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Starts the command with nothing in its environment but what is needed and given. */
export function startCommand(args: readonly string[], options: CommandOptions = {}): ChildProcess {
  // What the command remembers belongs to the test, and not to whoever runs it.
  const cache = join(options.cwd ?? tmpdir(), ".cache");
  const env = { PATH: process.env["PATH"] ?? "", XDG_CACHE_HOME: cache, ...options.env };
  return spawn(process.execPath, [COMMAND, ...args], { env, cwd: options.cwd, stdio: "pipe" });
}

/** Runs the command to its end, without a terminal. */
export function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = startCommand(args, options);
  child.stdin?.end(options.stdin ?? "");
  return collect(child);
}

/** Runs a line of shell on a terminal that is so many columns wide; what is seen there is `stdout`. */
export function runOnTerminal(line: string, columns: number, options: CommandOptions = {}): Promise<CommandResult> {
  const command = `stty cols ${columns} rows 40; ${line}`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", NODE: process.execPath, KOBOLDFS: COMMAND, ...options.env },
    cwd: options.cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return collect(child);
}

async function collect(child: ChildProcess): Promise<CommandResult> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, stdout, stderr };
}
