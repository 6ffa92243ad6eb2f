import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { UnprivilegedUser } from "./unprivileged-user.js";

/** Long enough for a busy machine; a server that needs more is broken. */
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;
const MAX_OUTPUT_CHARACTERS = 20_000;

export interface ServerProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Working directory and `HOME` of the process. */
  readonly folder: string;
  readonly user: UnprivilegedUser | undefined;
}

/** setpriv (util-linux) asks the kernel to end the program with its parent, whatever ends that; then it becomes it. */
function dieWithParent(): readonly string[] {
  return existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];
}

/** A private folder that `user` owns, in `parent`. */
export async function createServerFolder(
  name: string,
  user: UnprivilegedUser | undefined,
  parent = tmpdir(),
): Promise<string> {
  const folder = await mkdtemp(join(parent, `koboldfs-${name}-`));
  if (user) await chown(folder, user.uid, user.gid);
  return folder;
}

/** A port of 127.0.0.1 that was free a moment ago; whoever starts on it tries again with another when it lost the race. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

/** A child that dies with this process at the latest. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #killAtExit: () => void;
  #output = "";

  constructor(options: ServerProcessOptions) {
    const [file = "", ...args] = [...dieWithParent(), options.file, ...options.args];
    this.#child = spawn(file, args, {
      cwd: options.folder,
      // The machine's own settings of either database (PGDATA, MYSQL_HOME, …) must not reach it.
      env: { PATH: process.env["PATH"], HOME: options.folder, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "pipe"],
      ...options.user,
    });
    this.#child.stdout?.on("data", (chunk) => this.#note(chunk));
    this.#child.stderr?.on("data", (chunk) => this.#note(chunk));
    this.#child.on("error", (error) => this.#note(error.message));
    this.#killAtExit = () => this.#child.kill("SIGKILL");
    process.once("exit", this.#killAtExit);
    this.#child.once("exit", () => process.removeListener("exit", this.#killAtExit));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`the process was not started: ${this.#output}`);
    return this.#child.pid;
  }

  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves with the exit code once the process has ended by itself. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.#child, "exit");
    return this.#child.exitCode;
  }

  /** Polls until `isReady` no longer throws. Throws with the server's own output when it ends or stays silent. */
  async waitUntilReady(isReady: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    let cause: unknown;
    while (performance.now() < deadline && !this.hasEnded) {
      try {
        return await isReady();
      } catch (error) {
        cause = error;
      }
      await delay(READY_POLL_MS);
    }
    throw new Error(`the database server did not become ready:\n${this.#output}`, { cause });
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }

  #note(chunk: unknown): void {
    this.#output = `${this.#output}${String(chunk)}`.slice(-MAX_OUTPUT_CHARACTERS);
  }
}

/** Runs a program to its end. Throws with its output when it fails. */
export async function runToEnd(options: ServerProcessOptions): Promise<void> {
  const child = new ServerProcess(options);
  const code = await child.ended();
  if (code !== 0) throw new Error(`${options.file} failed with code ${code}:\n${child.output}`);
}

/** Tries `start` again when its port was taken by another process in between. */
export async function startOnFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  const MAX_ATTEMPTS = 3;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await findFreePort());
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Gives a folder and all that is in it to the user that a server runs as. */
export async function chownAll(folder: string, user: UnprivilegedUser | undefined): Promise<void> {
  if (user === undefined) return;
  await chown(folder, user.uid, user.gid);
  for (const name of await readdir(folder, { recursive: true })) await chown(join(folder, name), user.uid, user.gid);
}
