import type { NodeId } from "@koboldfs/protocol";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";

/** Least time between two nudges of one node: a nudged worker finds everything that came in the meantime by itself. */
const NUDGE_GAP_MS = 50;
const NUDGE_TIMEOUT_MS = 2_000;

export interface NudgerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Sends one nudge. */
  readonly send: (node: NodeId, signal: AbortSignal) => Promise<void>;
}

/** Turns many nudges of a node into few: the first goes out at once, those that come meanwhile become one more. */
export class Nudger {
  readonly #options: NudgerOptions;
  readonly #closing = new AbortController();
  /** Nodes with a nudge under way; true when one more shall follow. */
  readonly #running = new Map<NodeId, boolean>();

  constructor(options: NudgerOptions) {
    this.#options = options;
  }

  nudge(node: NodeId): void {
    if (this.#running.has(node)) this.#running.set(node, true);
    else if (!this.#closing.signal.aborted) void this.#run(node);
  }

  close(): void {
    this.#closing.abort();
  }

  async #run(node: NodeId): Promise<void> {
    const { clock, log, send } = this.#options;
    const { signal } = this.#closing;
    do {
      this.#running.set(node, false);
      try {
        await send(node, AbortSignal.timeout(NUDGE_TIMEOUT_MS));
      } catch (error) {
        log.debug({ err: error, peer: node }, "a nudge was lost; the node will find its debts when it polls");
      }
      await clock.sleep(NUDGE_GAP_MS, signal);
    } while (this.#running.get(node) === true && !signal.aborted);
    this.#running.delete(node);
  }
}
