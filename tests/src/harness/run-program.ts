import { fileURLToPath } from "node:url";
import { exitOf, spawnOwned } from "./owned-process.js";

/** The `koboldfs` command of this checkout. */
export const COMMAND = fileURLToPath(new URL("../../../packages/cli/bin/koboldfs.js", import.meta.url));

export interface ProgramOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a Node program to its end. */
export async function runProgram(
  script: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<ProgramOutcome> {
  const child = spawnOwned(process.execPath, [script, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const closed = new Promise((resolve) => child.once("close", resolve));
  const { code } = await exitOf(child);
  await closed;
  return { code, ...texts };
}

/** As `runProgram`, for one that must succeed. Throws with all it said. */
export async function mustRun(...call: Parameters<typeof runProgram>): Promise<string> {
  const { code, stdout, stderr } = await runProgram(...call);
  if (code !== 0) throw new Error(`${call[0]} ${call[1].join(" ")} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}
