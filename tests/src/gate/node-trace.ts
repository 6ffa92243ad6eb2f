import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findOrInstallPrograms } from "@koboldfs/tools";
import type { NodeProcess } from "../harness/node-process.js";
import { exitOf, spawnOwned } from "../harness/owned-process.js";
import { waitUntil } from "../harness/wait-until.js";
import { parseTrace, TRACED_CALLS, type TraceEvent } from "./parse-trace.js";

/** All that one node does, from `attach` to `stop`, by `strace`. */
export class NodeTrace {
  readonly #strace: ChildProcess;
  readonly #file: string;
  readonly #folder: string;

  private constructor(strace: ChildProcess, file: string, folder: string) {
    this.#strace = strace;
    this.#file = file;
    this.#folder = folder;
  }

  /** The path of strace, or why there is none on this machine. */
  static async findStrace(): Promise<string | { readonly skip: string }> {
    const found = await findOrInstallPrograms({ name: "strace", programs: ["strace"], packages: ["strace"] });
    if ("skip" in found) return found;
    const strace = found[0] as string;
    const sleeper = spawnOwned("sleep", ["60"], { stdio: "ignore" });
    try {
      const child = await attachTo(strace, Number(sleeper.pid), ["-o", "/dev/null"]);
      child.kill("SIGINT");
      await exitOf(child);
      return strace;
    } catch (error) {
      return { skip: `strace may not trace here: ${String(error).slice(0, 300)}` };
    } finally {
      sleeper.kill("SIGKILL");
    }
  }

  /** Resolves when every thread of the node is traced. Of files those below `folder` are told. */
  static async attach(strace: string, node: NodeProcess, folder: string): Promise<NodeTrace> {
    const file = join(folder, `${node.name}.strace`);
    const calls = ["-e", `trace=${TRACED_CALLS.join(",")}`, "-e", "signal=none"];
    const args = ["-f", "-y", "-ttt", "-s", "0", ...calls, "-o", file];
    const child = await attachTo(strace, node.pid, args);
    return new NodeTrace(child, file, folder);
  }

  async stop(): Promise<TraceEvent[]> {
    this.#strace.kill("SIGINT");
    await exitOf(this.#strace);
    return parseTrace(readFileSync(this.#file, "utf8"), this.#folder);
  }
}

/** Throws with what strace says when it may not, as in a container without the right to. */
async function attachTo(strace: string, pid: number, args: readonly string[]): Promise<ChildProcess> {
  const child = spawnOwned(strace, [...args, "-p", String(pid)], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await waitUntil(`strace is attached to ${pid}`, () => / attached/.test(said) || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error(said.trim());
  return child;
}
