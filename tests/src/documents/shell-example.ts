import type { ChildProcess } from "node:child_process";
import { exitOf, spawnOwned } from "../harness/owned-process.js";
import { COMMAND } from "../harness/run-program.js";

export interface ShellPlace {
  readonly cwd: string;
  /** Texts of the document and what stands for them here: ports, folders, hosts. */
  readonly replacements: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a block of a document in bash, as it stands but for the replacements: `npx koboldfs` becomes this checkout's
 * command without the half second that npx costs, and curl fails when the server says so.
 */
export function startShellExample(text: string, place: ShellPlace): ChildProcess {
  const command = `"${process.execPath}" "${COMMAND}"`;
  // A server takes the shell's place, so that who ends the example ends the server.
  let script = text.replaceAll("npx koboldfs serve", `exec ${command} serve`).replaceAll("npx koboldfs", command);
  for (const [written, here] of Object.entries(place.replacements)) script = script.replaceAll(written, here);
  return spawnOwned("bash", ["-euo", "pipefail", "-c", `curl() { command curl -fsS "$@"; }\n${script}`], {
    cwd: place.cwd,
    env: { PATH: process.env["PATH"], HOME: place.cwd, ...place.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs a block to its end and answers what it printed. Throws when a line of it fails. */
export async function runShellExample(text: string, place: ShellPlace): Promise<string> {
  const child = startShellExample(text, place);
  let printed = "";
  let complaints = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    printed += chunk;
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    complaints += chunk;
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const { code } = await exitOf(child);
  await closed;
  if (code !== 0) throw new Error(`the example ended with ${code}:\n${text}\n${printed}\n${complaints}`);
  return printed;
}
