import { KoboldError } from "@koboldfs/protocol";
import type { JournalGroup } from "../model/journal-group.js";
import type { Clock } from "../runtime/clock.js";
import type { Mirror, MirrorHead } from "./mirror.js";

export interface MirrorIntakeOptions {
  readonly mirror: Pick<Mirror, "append" | "head">;
  /** Groups behind a number from wherever they can be had: the catalog or a peer. Empty when there are none. */
  readonly pull: (after: number) => Promise<readonly JournalGroup[]>;
  readonly clock: Clock;
}

/**
 * Groups of several nodes cross on the way: one that came too early waits this long for the one before it to come by
 * itself, which is cheaper for everybody than asking the catalog.
 */
const GAP_PATIENCE_MS = 25;
/** Who is further behind than this catches up by the worker; holding what comes meanwhile would only fill memory. */
const MAX_GAP_ENTRIES = 2000;
/** Groups that wait for their turn. A node commits a few hundred a second; a mirror writes many at once. */
const MAX_WAITING = 1024;
/** Groups written in one transaction, and how many bytes of them. */
const MAX_BATCH = 256;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

interface Waiting {
  readonly group: JournalGroup;
  readonly resolve: (head: MirrorHead) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The one way by which groups come into a mirror, whoever brings them: it puts them in order, writes those that came
 * together in one transaction, and fetches what is missing between them.
 */
export class MirrorIntake {
  readonly #options: MirrorIntakeOptions;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  /** Ends the wait for a group that comes by itself. */
  #arrived = new AbortController();
  /** Monotonic time since when nothing could be written because something is missing. */
  #gapSinceMs: number | undefined;

  constructor(options: MirrorIntakeOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the mirror has the group durable. Rejects with `mirror_behind` when what comes before it cannot be
   * had now, `history_forked` when it belongs to another history, `disk_failed`.
   */
  take(group: JournalGroup): Promise<MirrorHead> {
    const gap = group.first - this.#options.mirror.head().number - 1;
    if (gap > MAX_GAP_ENTRIES || this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new KoboldError("mirror_behind", `the mirror lacks ${gap} entries before ${group.first}`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ group, resolve, reject });
      this.#arrived.abort("arrived");
      this.#running ??= this.#run();
    });
  }

  /** Fetches and writes one batch of what the mirror lacks; false when there was none. Rejects as `take` does. */
  async catchUp(): Promise<boolean> {
    const groups = await this.#options.pull(this.#options.mirror.head().number);
    if (groups.length === 0) return false;
    await this.#options.mirror.append(groups);
    return true;
  }

  /** Resolves when nothing runs. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      if (batch.length === 0) {
        await this.#closeGap();
        continue;
      }
      this.#gapSinceMs = undefined;
      await this.#write(batch);
    }
    this.#running = undefined;
  }

  /** The waiting groups that can be written now: those that the mirror has, and those that continue it. */
  #takeBatch(): Waiting[] {
    const sorted = this.#waiting.toSorted((a, b) => a.group.first - b.group.first);
    const batch: Waiting[] = [];
    let next = this.#options.mirror.head().number + 1;
    let bytes = 0;
    for (const waiting of sorted) {
      const { first, last } = waiting.group;
      if (first > next || batch.length === MAX_BATCH || bytes >= MAX_BATCH_BYTES) break;
      batch.push(waiting);
      bytes += waiting.group.bytes.length;
      next = Math.max(next, last + 1);
    }
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((waiting) => !taken.has(waiting));
    return batch;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    // The same group may have come from two sides.
    const groups = [...new Map(batch.map(({ group }) => [group.hash, group])).values()];
    try {
      const head = await this.#options.mirror.append(groups);
      for (const { resolve } of batch) resolve(head);
    } catch (error) {
      if (batch.length === 1) return batch[0]?.reject(error);
      // One of another history must not hurt the others.
      for (const one of batch) await this.#write([one]);
    }
  }

  async #closeGap(): Promise<void> {
    const { clock, mirror } = this.#options;
    this.#gapSinceMs ??= clock.monotonic();
    const patienceMs = GAP_PATIENCE_MS - (clock.monotonic() - this.#gapSinceMs);
    this.#arrived = new AbortController();
    if (patienceMs > 0) await clock.sleep(patienceMs, this.#arrived.signal);
    // The worker may have closed it meanwhile; then there is nothing to ask for.
    if (this.#arrived.signal.aborted || this.#canGoOn()) return;
    const before = mirror.head().number;
    this.#gapSinceMs = undefined;
    const failure = await this.#tryToCatchUp(before);
    // What was missing may have come by itself while it was asked for.
    if (mirror.head().number === before && !this.#canGoOn()) this.#refuseAll(failure);
  }

  /** Answers what those who wait are to be told if nothing came. */
  async #tryToCatchUp(from: number): Promise<unknown> {
    try {
      await this.catchUp();
      return new KoboldError("mirror_behind", `the mirror ends with ${from}, and nobody has what follows`);
    } catch (error) {
      return error;
    }
  }

  #canGoOn(): boolean {
    const next = this.#options.mirror.head().number + 1;
    return this.#waiting.some(({ group }) => group.first <= next);
  }

  #refuseAll(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
