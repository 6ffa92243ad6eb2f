import type { ChildProcess } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { CRASH_POINT_VARIABLE, type CrashPoint } from "@koboldfs/server/crash-points";
import { findNodePort } from "./node-port.js";
import { type ExitStatus, exitOf, peakMemoryBytes, spawnOwned } from "./owned-process.js";
import { COMMAND } from "./run-program.js";
import { waitUntil } from "./wait-until.js";

/** Enough to see what went wrong, little enough for thousands of logged requests. */
const MAX_LOG_LINES = 4_000;
const START_TIMEOUT_MS = 60_000;
/** Longer than any grace that the server gives a running request in these tests. */
const STOP_TIMEOUT_MS = 60_000;
/** What a process says of the point at which it dies. */
const CRASH_LINE = "crash point ";

export interface NodeProcessOptions {
  readonly name: string;
  /** Data folders, one volume each. */
  readonly data: readonly string[];
  readonly dsn: string;
  /** `HOST:PORT`; by default a port of loopback that is kept free while the node is down. */
  readonly listen?: string;
  /** The URL that peers shall use, when it is not the one listened on. */
  readonly advertise?: string;
  /** Settings as environment variables without `KOBOLDFS_`, such as `{ CLUSTER_SECRET: "…" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** `orderCrash` may be called. */
  readonly canCrash?: boolean;
  /** Where the process stands: a folder without a configuration file. */
  readonly cwd: string;
}

/** What holds for one life of a process only. */
export interface Life {
  /** A module that Node loads before the command, as a URL. */
  readonly preload?: string;
}

/** One real `koboldfs serve`, with what a test wants to know of it and do to it. */
export class NodeProcess {
  readonly name: string;
  readonly data: readonly string[];
  readonly #options: NodeProcessOptions;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  #listen: string | undefined;
  #dsn: string;
  #url: string | undefined;
  #listening = false;

  constructor(options: NodeProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.data = options.data;
    this.#listen = options.listen;
    this.#dsn = options.dsn;
  }

  /** The catalog that it is started with from now on. */
  useCatalog(dsn: string): void {
    this.#dsn = dsn;
  }

  /** Where it listens; the same one after a restart. */
  get url(): string {
    if (this.#url === undefined) throw new Error(`node ${this.name} never listened`);
    return this.#url;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`node ${this.name} was never started`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it and waits until it serves. Throws with its log when it ends or dawdles instead. */
  async start(life: Life = {}): Promise<void> {
    await this.#spawn(life);
    const child = this.#mustChild();
    try {
      await waitUntil(`node ${this.name} listens or ends`, () => this.#listening || !this.isRunning, {
        timeoutMs: START_TIMEOUT_MS,
      });
      const isReady = async () => this.#listening && (await fetch(`${this.url}/readyz`)).ok;
      await waitUntil(`node ${this.name} is ready or ends`, async () => !this.isRunning || (await isReady()));
      if (!this.isRunning) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    } catch (error) {
      throw new Error(`node ${this.name} did not start:\n${this.log()}`, { cause: error });
    }
  }

  /** The process, this one or the next, shall die when it reaches the point for the `count`th time from now on. */
  orderCrash(point: CrashPoint, count = 1): void {
    this.#order(`${point}:${count}:SIGKILL`);
  }

  /** Resolves when the process stands still at the point; SIGCONT lets it go on. */
  async freezeAt(point: CrashPoint, provoke: () => void): Promise<void> {
    this.crashedAt = undefined;
    this.#order(`${point}:1:SIGSTOP`);
    provoke();
    await waitUntil(`node ${this.name} stands still at ${point}`, () => this.crashedAt === point, { pollMs: 5 });
    this.withdrawOrder();
  }

  #order(text: string): void {
    if (this.#options.canCrash !== true) throw new Error(`node ${this.name} does not listen to orders`);
    writeFileSync(this.#orderPath, text);
  }

  withdrawOrder(): void {
    rmSync(this.#orderPath, { force: true });
  }

  /** As `start`, for a process that may die of its order before it serves. Any other end is an error. */
  async startToCrash(life: Life = {}): Promise<void> {
    try {
      await this.start(life);
    } catch (error) {
      if (this.crashedAt === undefined) throw error;
    }
  }

  /** Resolves when it has died at the point, and takes the order back. Throws with its log when it dawdles. */
  async waitForCrash(point: CrashPoint, timeoutMs = 20_000): Promise<void> {
    try {
      await waitUntil(`node ${this.name} dies`, () => !this.isRunning, { timeoutMs, pollMs: 5 });
      await waitUntil(`it has said where`, () => this.crashedAt !== undefined, { timeoutMs, pollMs: 5 });
    } catch (error) {
      throw new Error(`${point} was not reached:\n${this.log().slice(-20_000)}`, { cause: error });
    } finally {
      this.withdrawOrder();
    }
    if (this.crashedAt !== point) throw new Error(`node ${this.name} died at ${this.crashedAt}, not at ${point}`);
  }

  /** Where the last process died or stood still, when it did so by an order. */
  crashedAt: CrashPoint | undefined;

  /** Starts it and waits until it ends by itself, as a node that refuses to start does. */
  async startAndFail(): Promise<ExitStatus> {
    await this.#spawn({});
    await waitUntil(`node ${this.name} refuses to start`, () => this.#listening || !this.isRunning);
    if (this.#listening) throw new Error(`node ${this.name} started though it should have refused:\n${this.log()}`);
    return exitOf(this.#mustChild());
  }

  /** Sends a signal; after SIGKILL it also waits for the end. SIGSTOP and SIGCONT freeze and thaw. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#mustChild();
    child.kill(signal);
    if (signal === "SIGKILL") await exitOf(child);
  }

  /** SIGTERM, and the way it ended. A node that does not end is killed and the test fails. */
  async stop(): Promise<ExitStatus> {
    const child = this.#mustChild();
    child.kill("SIGTERM");
    try {
      await waitUntil(`node ${this.name} stops`, () => !this.isRunning, { timeoutMs: STOP_TIMEOUT_MS });
    } finally {
      if (this.isRunning) child.kill("SIGKILL");
    }
    return exitOf(child);
  }

  /** Starts it again with the same data on the same port. */
  async restart(): Promise<void> {
    if (this.isRunning) await this.stop();
    await this.start();
  }

  /** Ends it in whatever state it is; for cleaning up. */
  async destroy(): Promise<void> {
    if (this.isRunning) await this.kill("SIGKILL");
  }

  peakMemoryBytes(): number {
    return peakMemoryBytes(this.pid);
  }

  /** What it logged, over all its lives; only the last lines of a long log. */
  log(): string {
    return this.#lines.join("\n");
  }

  #mustChild(): ChildProcess {
    if (this.#child === undefined) throw new Error(`node ${this.name} was never started`);
    return this.#child;
  }

  async #spawn(life: Life): Promise<void> {
    if (this.isRunning) throw new Error(`node ${this.name} runs already`);
    this.#listen ??= `127.0.0.1:${await findNodePort()}`;
    const { name, data, advertise, cwd } = this.#options;
    this.#listening = false;
    this.crashedAt = undefined;
    const args = ["serve", "--name", name, "--listen", this.#listen, "--dsn", this.#dsn];
    for (const folder of data) args.push("--data", folder);
    if (advertise !== undefined) args.push("--url", advertise);
    this.#lines.push(`--- ${name} starts: ${args.join(" ")}`);
    const child = spawnOwned(COMMAND, args, {
      cwd,
      env: { ...foreignEnvironment(), ...this.#environment(life) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) this.#watch(stream as Readable);
    child.once("error", (error) => this.#lines.push(`--- ${name} could not be started: ${error.message}`));
    child.once("exit", (code, signal) => this.#lines.push(`--- ${name} ended with ${code ?? signal}`));
  }

  get #orderPath(): string {
    return join(this.#options.cwd, "crash-point");
  }

  /** The child's parent is this process: `setpriv` becomes the program that it starts. */
  #environment({ preload }: Life): Record<string, string> {
    const { canCrash, settings = {} } = this.#options;
    const named = Object.entries(settings).map(([name, value]) => [`KOBOLDFS_${name}`, value] as const);
    return {
      ...Object.fromEntries(named),
      ...(canCrash === true && { [CRASH_POINT_VARIABLE]: `${process.pid}:${this.#orderPath}` }),
      ...(preload !== undefined && { NODE_OPTIONS: `--import=${preload}` }),
    };
  }

  #watch(stream: Readable): void {
    createInterface({ input: stream }).on("line", (line) => {
      this.#lines.push(line);
      if (this.#lines.length > MAX_LOG_LINES) this.#lines.splice(0, MAX_LOG_LINES / 2);
      if (line.includes('"listening"')) this.#noteListening(line);
      if (line.startsWith(CRASH_LINE)) this.crashedAt = line.slice(CRASH_LINE.length) as CrashPoint;
    });
  }

  #noteListening(line: string): void {
    const record = JSON.parse(line) as { event?: string; port?: number };
    if (record.event !== "listening" || record.port === undefined) return;
    // The URL in the record is the advertised one, which may lead through a proxy: clients of tests go straight.
    this.#url = `http://127.0.0.1:${record.port}`;
    this.#listen = this.#listen?.replace(/:\d+$/, `:${record.port}`);
    this.#listening = true;
  }
}

/** This process's environment without settings that are meant for other servers or other tools. */
function foreignEnvironment(): Record<string, string | undefined> {
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("KOBOLDFS_") && name !== "NODE_OPTIONS",
  );
  return Object.fromEntries(entries);
}
