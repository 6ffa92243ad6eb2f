import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface HolderAnswer {
  readonly committed: boolean;
  readonly version?: number;
  readonly error?: string;
}

/** A process of its own that has the journal's lock when this resolves. */
export interface LockHolder extends AsyncDisposable {
  freeze(): void;
  /** Lets it go on and try to commit; answers what came of that. */
  thaw(): Promise<HolderAnswer>;
}

const SCRIPT = fileURLToPath(new URL("../sql/test-lock-holder.js", import.meta.url));

/** `raw`: a transaction that does not know of retries. `catalog`: a node in the middle of a commit of the key `held`. */
export async function startLockHolder(dsn: string, kind: "raw" | "catalog"): Promise<LockHolder> {
  const child = spawn(process.execPath, [SCRIPT, dsn, kind], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readLine = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the lock holder ended without a word");
    return value;
  };
  if ((await readLine()) !== "holding") throw new Error("the lock holder has no lock");
  return {
    freeze: () => void child.kill("SIGSTOP"),
    async thaw() {
      child.kill("SIGCONT");
      child.stdin.write("go on\n");
      return JSON.parse(await readLine());
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  // Ends a process that is stopped, too.
  child.kill("SIGKILL");
  await exit;
}
