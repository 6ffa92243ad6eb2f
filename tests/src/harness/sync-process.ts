import { type ExitStatus, exitOf, peakMemoryBytes, spawnOwned } from "./owned-process.js";
import { COMMAND } from "./run-program.js";
import { waitUntil } from "./wait-until.js";

/** The last line of `sync --json`. */
export interface SyncCounts {
  readonly transferred: number;
  readonly skipped: number;
  readonly deleted: number;
  readonly failed: number;
  readonly ignored: number;
  readonly hashed: number;
  readonly complete: boolean;
}

export interface SyncResult extends ExitStatus {
  /** Undefined when it was killed before it could tell. */
  readonly counts: SyncCounts | undefined;
  readonly seconds: number;
  /** The most memory it had, as far as it was seen; all but its last moment. */
  readonly peakBytes: number;
  readonly complaints: string;
}

const SAMPLE_MS = 100;

/** Starts `koboldfs sync --json`, lets something happen to it while it runs, and waits for its end. */
export async function runSync(
  args: readonly string[],
  options: { cacheFolder: string; meanwhile?: (kill: () => void) => Promise<void> },
): Promise<SyncResult> {
  const started = performance.now();
  const child = spawnOwned(process.execPath, ["--max-semi-space-size=1", COMMAND, "sync", ...args, "--json"], {
    env: { PATH: process.env["PATH"], XDG_CACHE_HOME: options.cacheFolder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  let peakBytes = 0;
  const sampler = setInterval(() => {
    peakBytes = Math.max(peakBytes, findPeak(child.pid));
  }, SAMPLE_MS);
  try {
    const closed = new Promise((resolve) => child.once("close", resolve));
    await options.meanwhile?.(() => child.kill("SIGKILL"));
    const status = await exitOf(child);
    await closed;
    const counts = texts.stdout === "" ? undefined : (JSON.parse(texts.stdout) as SyncCounts);
    return { ...status, counts, seconds: (performance.now() - started) / 1000, peakBytes, complaints: texts.stderr };
  } finally {
    clearInterval(sampler);
    child.kill("SIGKILL");
  }
}

/** Nothing for a process that is gone. */
function findPeak(pid: number | undefined): number {
  try {
    return pid === undefined ? 0 : peakMemoryBytes(pid);
  } catch {
    return 0;
  }
}

/** Waits long: what is waited for is thousands of files on a busy machine. */
export function waitForWork(what: string, probe: () => Promise<boolean>): Promise<boolean> {
  return waitUntil(what, probe, { timeoutMs: 600_000 });
}
