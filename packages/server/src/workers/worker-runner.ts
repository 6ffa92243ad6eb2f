import { setMaxListeners } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { Worker } from "./worker.js";

export interface WorkerRunnerOptions {
  readonly clock: Clock;
  /** Answers numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** The first pause after a failed step; it doubles with each further failure in a row. */
const FIRST_PAUSE_MS = 500;
/** The longest pause: short enough that a repaired database or disk is noticed while the operator still looks. */
const LONGEST_PAUSE_MS = 30_000;

/** Runs workers until it is stopped: one step of each at a time, with pauses after failures and while there is nothing to do. */
export class WorkerRunner {
  readonly #options: WorkerRunnerOptions;
  readonly #loops = new Map<string, WorkerLoop>();

  constructor(options: WorkerRunnerOptions) {
    this.#options = options;
  }

  start(worker: Worker): void {
    if (this.#loops.has(worker.name)) throw new Error(`the worker ${worker.name} runs already`);
    this.#loops.set(worker.name, new WorkerLoop(worker, this.#options));
  }

  /** Ends the worker's idle wait, or lets the next one end at once. A pause after a failure is not cut short. */
  wake(name: string): void {
    this.#loops.get(name)?.wake();
  }

  /** Aborts the running steps and resolves when all have ended. */
  async stop(): Promise<void> {
    const loops = [...this.#loops.values()];
    this.#loops.clear();
    await Promise.all(loops.map((loop) => loop.stop()));
  }
}

class WorkerLoop {
  readonly #worker: Worker;
  readonly #options: WorkerRunnerOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #wait = new AbortController();
  #woken = false;

  constructor(worker: Worker, options: WorkerRunnerOptions) {
    this.#worker = worker;
    this.#options = options;
    this.#ended = this.#run();
  }

  wake(): void {
    this.#woken = true;
    // Any reason will do, and spares the stack trace of the usual one: nudges come often.
    this.#wait.abort("woken");
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wait.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    // Each blob under way listens to it; a warning about more than ten would be about nothing.
    setMaxListeners(0, signal);
    let failures = 0;
    while (!signal.aborted) {
      try {
        this.#woken = false;
        const result = await this.#worker.step(signal);
        if (failures > 0) this.#options.log.info({ failures }, `the ${this.#worker.name} worker works again`);
        failures = 0;
        if (result === "idle") await this.#waitForWork();
        else await nextTurn();
      } catch (error) {
        failures += 1;
        if (!signal.aborted) await this.#pause(failures, error);
      }
    }
    await this.#worker.end?.();
  }

  async #waitForWork(): Promise<void> {
    const { clock, random } = this.#options;
    this.#wait = new AbortController();
    // Polls of many nodes that started together drift apart.
    if (!this.#woken && !this.#stopping.signal.aborted) {
      await clock.sleep(this.#worker.pollMs * (0.75 + random() / 2), this.#wait.signal);
    }
  }

  async #pause(failures: number, error: unknown): Promise<void> {
    const { clock, random, log } = this.#options;
    const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 16), LONGEST_PAUSE_MS);
    const pauseMs = Math.round(longestMs * (0.5 + random() / 2));
    const fields = { err: error, worker: this.#worker.name, failures, pauseMs };
    const message = `the ${this.#worker.name} worker failed and pauses`;
    // One line for a catalog that is away for an hour; the next success says that it is over.
    if (failures === 1) log.warn(fields, message);
    else log.debug(fields, message);
    await clock.sleep(pauseMs, this.#stopping.signal);
  }
}
