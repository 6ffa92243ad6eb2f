import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { COMMAND_FILE } from "../command-file.js";

/** Lines of a node that ended which are shown again: enough for an error with its hint. */
const LAST_WORDS = 6;
/** Time for what runs to end before a node is killed. */
const STOP_PATIENCE_MS = 20_000;

export interface DemoNodeOptions {
  readonly name: string;
  readonly port: number;
  /** Where its files are. */
  readonly data: string;
  readonly dsn: string;
  readonly onLine: (line: string) => void;
}

/** How a node's process ended. */
export interface DemoNodeEnd {
  readonly how: string;
  readonly code: number | undefined;
  readonly lastWords: readonly string[];
}

/** One node of the demo: a process of its own. */
export class DemoNode {
  readonly options: DemoNodeOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<DemoNodeEnd> | undefined;
  #lastWords: string[] = [];
  /** Whether the process said that it is ready to serve. */
  isListening = false;

  constructor(options: DemoNodeOptions) {
    this.options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.port}`;
  }

  /** Starts the process; resolves when it has ended, by itself or because it was stopped. */
  run(): Promise<DemoNodeEnd> {
    const { name, data, dsn, port } = this.options;
    const listen = `127.0.0.1:${port}`;
    const args = ["serve", "--name", name, "--listen", listen, "--data", data, "--dsn", dsn];
    // The channel tells the node when this process is gone; its own group keeps a Ctrl-C of the terminal from it.
    const child = spawn(COMMAND_FILE, args, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
      env: environmentOfNodes(),
    });
    this.#child = child;
    this.#lastWords = [];
    this.isListening = false;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => this.#take(line));
    }
    this.#ended = new Promise((resolve) => {
      const end = (how: string, code?: number) => resolve({ how, code, lastWords: this.#lastWords });
      child.once("error", (error) => end(`could not be started: ${error.message}`));
      child.once("close", (code, signal) =>
        end(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`, code ?? undefined),
      );
    });
    return this.#ended;
  }

  /** Asks the process to stop and resolves when it has; kills it when it takes too long. */
  async stop(): Promise<void> {
    this.#child?.kill("SIGTERM");
    const patience = new AbortController();
    const late = sleep(STOP_PATIENCE_MS, undefined, { signal: patience.signal, ref: false }).then(
      () => this.kill(),
      () => undefined,
    );
    await this.#ended;
    patience.abort();
    await late;
  }

  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  #take(line: string): void {
    this.#lastWords = [...this.#lastWords, line].slice(-LAST_WORDS);
    if (line.includes('"event":"listening"')) this.isListening = true;
    this.options.onLine(line);
  }
}

/** Settings of other clusters, left in the user's environment, are not meant for these nodes. */
function environmentOfNodes(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("KOBOLDFS_")));
}
