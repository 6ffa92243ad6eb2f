import { setTimeout as sleep } from "node:timers/promises";
import type { DemoLog } from "./demo-log.js";
import type { DemoNode, DemoNodeEnd } from "./demo-node.js";

/** Long enough to see in the log what the others do, short enough that nobody thinks it is gone for good. */
const RESTART_AFTER_MS = 5_000;
/** EX_CONFIG: the node was refused, and would be again. */
const EXIT_CONFIG = 78;

export interface DemoSupervisorOptions {
  readonly log: DemoLog;
  /** Fires when the nodes shall stop. */
  readonly signal: AbortSignal;
}

/**
 * Keeps nodes running. One that ends before `keepRunning` fails the demo; one that ends later (because somebody killed it
 * to see what happens) is reported and started again.
 */
export class DemoSupervisor {
  readonly #nodes: readonly DemoNode[];
  readonly #options: DemoSupervisorOptions;
  readonly #stopping = new AbortController();
  #keepRunning = false;
  /** Rejects when a node ended that cannot be started again; never resolves. */
  readonly failed: Promise<never>;

  constructor(nodes: readonly DemoNode[], options: DemoSupervisorOptions) {
    this.#nodes = nodes;
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#stopping.abort(), { once: true });
    this.failed = new Promise((_, reject) => {
      for (const node of nodes) this.#supervise(node).catch(reject);
    });
    // Whoever waits for it hears of it; a failure while the nodes stop is of no interest.
    this.failed.catch(() => undefined);
  }

  /** Fires when the nodes are being stopped. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  keepRunning(): void {
    this.#keepRunning = true;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  async #supervise(node: DemoNode): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const end = await node.run();
      if (signal.aborted) return;
      if (!this.#keepRunning || end.code === EXIT_CONFIG) throw new Error(this.#describe(node, end));
      this.#options.log.say(`${this.#describe(node, end)}\nIt is started again in ${RESTART_AFTER_MS / 1000} s.`);
      // Ended early when the nodes shall stop.
      await sleep(RESTART_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  #describe({ options }: DemoNode, { how, lastWords }: DemoNodeEnd): string {
    const words = lastWords.map((line) => `  | ${this.#options.log.format(line)}`);
    return [`${options.name} ${how}.${words.length > 0 ? " Its last words:" : ""}`, ...words].join("\n");
  }
}
