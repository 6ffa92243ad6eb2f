import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** Time for a server to finish what it does after SIGTERM; then it is killed, and the run says so. */
const STOP_TIMEOUT_MS = 15_000;
/** Time for a server to say that it is ready. */
const START_TIMEOUT_MS = 30_000;

const running = new Set<ChildProcess>();

// Should the run break off: SIGTERM, since an nginx master that is killed leaves its workers behind.
process.once("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});

export interface ChildOptions {
  /** For messages. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A server that we started: it is never left behind, and its last words are kept for the error message. */
export class Child {
  readonly #process: ChildProcess;
  readonly #title: string;
  #said = "";

  constructor({ title, command, args, env = process.env }: ChildOptions) {
    this.#title = title;
    this.#process = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-8192);
      });
    }
    running.add(this.#process);
    this.#process.once("exit", () => running.delete(this.#process));
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.#title} could not be started`);
    return this.#process.pid;
  }

  /** Asks again and again until `find` answers something; fails when the process ends or takes too long. */
  async waitFor<T>(find: (said: string) => T | undefined | Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const found = await find(this.#said);
      if (found !== undefined) return found;
      if (this.#process.exitCode !== null) throw new Error(`${this.#title} ended at once:\n${this.#said}`);
      if (performance.now() > deadline) throw new Error(`${this.#title} was not ready in time:\n${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Does nothing when the process has ended. */
  signal(name: "SIGCONT" | "SIGSTOP"): void {
    this.#process.kill(name);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => {
      process.stderr.write(`${this.#title} did not stop; killing it\n`);
      this.#process.kill("SIGKILL");
    }, STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }
}

/** A port that was free a moment ago, for servers that cannot choose one and tell. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Undefined when nothing answers there yet. */
export async function findAnswer(url: string): Promise<Response | undefined> {
  try {
    return await fetch(url);
  } catch (cause) {
    if (cause instanceof TypeError) return undefined;
    throw cause;
  }
}
