import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findOrInstallPrograms } from "@koboldfs/tools";
import type { NodeProcess } from "./node-process.js";
import { exitOf, spawnOwned } from "./owned-process.js";
import { waitUntil } from "./wait-until.js";

const STRACE = { name: "strace", programs: ["strace"], packages: ["strace"] };

/** System calls that strace makes fail, as the kernel would: the process cannot tell the difference. */
export interface CallFault {
  /** Names of system calls. */
  readonly calls: readonly string[];
  readonly errno: "EIO" | "EROFS" | "EMFILE" | "ENOSPC";
  /** Which of a thread's calls fail, counted from 1, as strace says it: `2` the second one, `2+` all from the second on. */
  readonly when: string;
  /** Only calls on these paths, and on descriptors of them; on anything by default. */
  readonly paths?: readonly string[];
  /** Only calls of the process's first thread; by default of all of its threads. */
  readonly firstThread?: true;
  /** What else is recorded. */
  readonly watched?: readonly string[];
}

/** One system call as strace saw it. */
export interface TracedCall {
  readonly name: string;
  /** The paths of its first descriptor, or of its arguments. */
  readonly paths: readonly string[];
  readonly isInjected: boolean;
}

/** Why processes cannot be traced here, or undefined. In CI an error where strace can be installed and is not. */
export async function whyNoCallFaults(): Promise<string | undefined> {
  const found = await findOrInstallPrograms(STRACE);
  if ("skip" in found) return found.skip;
  const child = spawnOwned(found[0] as string, ["-e", "trace=none", "/bin/true"], { stdio: "ignore" });
  const { code } = await exitOf(child);
  return code === 0 ? undefined : "no right to trace processes";
}

/** Faults of the calls of one running process, from `inject` to `end`. */
export class CallFaults {
  readonly #child: ChildProcess;
  readonly #logPath: string;

  private constructor(child: ChildProcess, logPath: string) {
    this.#child = child;
    this.#logPath = logPath;
  }

  /** Resolves when all threads of the process are traced. */
  static async inject(node: NodeProcess, fault: CallFault, folder: string): Promise<CallFaults> {
    const [strace = ""] = (await findOrInstallPrograms(STRACE)) as readonly string[];
    const logPath = join(folder, `strace-${node.pid}-${performance.now()}`);
    const injected = fault.calls.join(",");
    const traced = [...fault.calls, ...(fault.watched ?? [])].join(",");
    const args = [
      ...(fault.firstThread === true ? [] : ["-f"]),
      "-y",
      "-s",
      "0",
      "-o",
      logPath,
      "-e",
      `trace=${traced}`,
      "-e",
      "signal=none",
    ];
    args.push("-e", `inject=${injected}:error=${fault.errno}:when=${fault.when}`);
    for (const path of fault.paths ?? []) args.push("-P", path);
    const child = spawnOwned(strace, [...args, "-p", String(node.pid)], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await waitUntil("strace is attached or ends", () => said.includes("attached") || child.exitCode !== null, {
      pollMs: 5,
    });
    if (child.exitCode !== null) throw new Error(`strace cannot attach to node ${node.name}: ${said}`);
    return new CallFaults(child, logPath);
  }

  /** The process goes on without. Answers what was traced, in the order in which the calls began. */
  async end(): Promise<TracedCall[]> {
    this.#child.kill("SIGTERM");
    await exitOf(this.#child);
    return parseCalls(readFileSync(this.#logPath, "utf8"));
  }
}

/** Lines of strace; what another thread cut in two is put together again. */
function parseCalls(log: string): TracedCall[] {
  const whole: string[] = [];
  const unfinished = new Map<string, number>();
  for (const line of log.split("\n")) {
    // With one thread only there is no number in front.
    const [, thread = "", text = ""] = /^(?:(\d+)\s+)?(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    if (resumed !== null) {
      const at = unfinished.get(thread);
      if (at !== undefined) whole[at] = `${whole[at]}${resumed[1]}`;
      continue;
    }
    if (text.endsWith("<unfinished ...>")) unfinished.set(thread, whole.length);
    whole.push(text.replace(/ <unfinished \.\.\.>$/, ""));
  }
  return whole.flatMap(parseCall);
}

function parseCall(text: string): TracedCall[] {
  const [, name, rest] = /^(\w+)\((.*)$/.exec(text) ?? [];
  if (name === undefined || rest === undefined) return [];
  const paths = [...rest.matchAll(/"(\/[^"]*)"|\d+<(\/[^>]*)>/g)].map(([, named, opened]) => named ?? opened ?? "");
  return [{ name, paths, isInjected: rest.endsWith("(INJECTED)") }];
}
