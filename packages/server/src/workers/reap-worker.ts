import type { BlobRef } from "../blobs/blob-store.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { Reaper } from "./reaper.js";
import type { StepResult, Worker } from "./worker.js";

export interface ReapWorkerOptions {
  readonly reaper: Pick<Reaper, "look">;
  /** Begins a walk over everything that lies on this node's volumes. */
  readonly walk: () => AsyncGenerator<BlobRef[]>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Blobs that the catalog is asked about at once. */
const BATCH_BLOBS = 500;
/** Folders read in one step: a volume with all 65,536 of them is walked in an hour, and no disk notices. */
const BATCH_SHARDS = 32;
const PAUSE_MS = 1_500;

/** Walks the volumes over and over, a little at a time, and has the reaper look at what lies there. */
export class ReapWorker implements Worker {
  readonly name = "reap";
  /** Between two walks. The second sighting of a blob is then at most this long after its hour. */
  readonly pollMs = 10 * 60_000;
  readonly #options: ReapWorkerOptions;
  #walk: AsyncGenerator<BlobRef[]> | undefined;
  #unlinked = 0;

  constructor(options: ReapWorkerOptions) {
    this.#options = options;
  }

  async step(signal: AbortSignal): Promise<StepResult> {
    const { reaper, walk, clock, log } = this.#options;
    this.#walk ??= walk();
    try {
      const { refs, isOver } = await this.#next(this.#walk);
      for (let index = 0; index < refs.length; index += BATCH_BLOBS) {
        this.#unlinked += await reaper.look(refs.slice(index, index + BATCH_BLOBS));
      }
      if (!isOver) {
        await clock.sleep(PAUSE_MS, signal);
        return "busy";
      }
    } catch (error) {
      // The next walk begins anew: what was seen so far is kept by the reaper.
      this.#walk = undefined;
      throw error;
    }
    if (this.#unlinked > 0) log.info({ blobs: this.#unlinked }, "unlinked blobs that nothing refers to");
    this.#walk = undefined;
    this.#unlinked = 0;
    return "idle";
  }

  async #next(walk: AsyncGenerator<BlobRef[]>): Promise<{ refs: BlobRef[]; isOver: boolean }> {
    const refs: BlobRef[] = [];
    for (let shard = 0; shard < BATCH_SHARDS && refs.length < BATCH_BLOBS; shard += 1) {
      const next = await walk.next();
      if (next.done === true) return { refs, isOver: true };
      for (const ref of next.value) refs.push(ref);
    }
    return { refs, isOver: false };
  }
}
