import { KoboldError } from "@koboldfs/protocol";
import type { Change, ChangeOutcome } from "../model/change.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import type { CommitCatalog } from "./catalog.js";

/**
 * Commits these changes as one group. `release` may be called when the database is done with it, but its mirrors are not, or its
 * outcome must be settled while the database is away: then the next group may begin, and fails or succeeds on its own.
 */
export type CommitGroup = (changes: readonly Change[], release: () => void) => Promise<ChangeOutcome[]>;

/**
 * One request may ask for 1,000 operations and they are one commit; a group is never larger, so that the lock is held
 * for tens of milliseconds at most and the group's bytes stay within a database's packet.
 */
export const MAX_GROUP_CHANGES = 1000;
/** About a second of commits on a slow disk. Whoever comes later is better served by another try. */
const MAX_WAITING_CHANGES = 8 * MAX_GROUP_CHANGES;

/**
 * How long a group waits for changes that are on their way. A group costs as much as several puts: the database's lock and
 * flush, and those of each mirror. Longer than most disks take to flush a small file, shorter than anybody notices.
 */
const PATIENCE_MS = 30;
/** How long it waits for those who were just answered: clients that go on at once are back by then. */
const RETURN_MS = 2;

interface Item {
  readonly changes: readonly Change[];
  resolve(outcomes: ChangeOutcome[]): void;
  reject(error: unknown): void;
}

/**
 * Gathers what arrives while one commit runs into the next, and what is on its way then: changes whose bytes are being flushed, and
 * the next ones of those whose changes the mirrors are taking. Nothing waits when nothing runs and nothing is expected.
 */
export class GroupCommitter implements CommitCatalog {
  readonly #commitGroup: CommitGroup;
  readonly #clock: Pick<Clock, "schedule">;
  readonly #waiting: Item[] = [];
  /** Changes that wait or run. */
  #pending = 0;
  #isRunning = false;
  /** Changes on their way here, and groups whose mirrors are at work. */
  #expected = 0;
  /** Calls that were just answered and have not come back. */
  #returning = 0;
  #endReturn: (() => void) | undefined;
  /** Ends the wait for them, while a group waits. */
  #endPatience: (() => void) | undefined;
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(commitGroup: CommitGroup, clock: Pick<Clock, "schedule"> = systemClock) {
    this.#commitGroup = commitGroup;
    this.#clock = clock;
  }

  async commit(change: Change): Promise<ChangeOutcome> {
    const [outcome] = await this.commitAll([change]);
    if (outcome === undefined) throw new KoboldError("internal", "a commit answered nothing");
    return outcome;
  }

  /** Throws `overloaded` when too much waits already, `too_large` above `MAX_GROUP_CHANGES`, `shutting_down`. */
  commitAll(changes: readonly Change[]): Promise<ChangeOutcome[]> {
    const refusal = this.#findRefusal(changes.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (changes.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#pending += changes.length;
      this.#waiting.push({ changes, resolve, reject });
      if (this.#returning > 0) this.#returning -= 1;
      this.#startNext();
    });
  }

  expectAfter(work: Promise<unknown>): void {
    this.#expected += 1;
    const end = () => {
      this.#expected -= 1;
      // Its change comes in a moment, by a few promises.
      if (this.#expected === 0 && this.#endPatience !== undefined) setImmediate(() => this.#startNext());
    };
    work.then(end, end);
  }

  #findRefusal(count: number): KoboldError | undefined {
    if (this.#isClosed) return new KoboldError("shutting_down", "the catalog is being closed");
    if (count > MAX_GROUP_CHANGES)
      return new KoboldError("too_large", `${count} changes; a commit takes ${MAX_GROUP_CHANGES}`);
    if (this.#pending + count > MAX_WAITING_CHANGES)
      return new KoboldError("overloaded", `${this.#pending} changes wait`);
    return undefined;
  }

  #startNext(): void {
    if (this.#isRunning) return;
    if (this.#expected + this.#returning > 0 && this.#waiting.length > 0) {
      this.#endPatience ??= this.#clock.schedule(PATIENCE_MS, () => this.#startNow());
    } else this.#startNow();
  }

  #startNow(): void {
    this.#endPatience?.();
    this.#endPatience = undefined;
    if (this.#isRunning) return;
    const items = this.#takeGroup();
    if (items.length === 0) {
      if (this.#pending === 0) this.#onIdle?.();
      return;
    }
    this.#isRunning = true;
    void this.#run(items);
  }

  #takeGroup(): Item[] {
    let count = 0;
    let size = 0;
    let isLast = false;
    for (const item of this.#waiting) {
      if (count > 0 && (isAlone(item) || isLast)) break;
      isLast = isAlone(item);
      if (size + item.changes.length > MAX_GROUP_CHANGES) break;
      size += item.changes.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #run(items: readonly Item[]): Promise<void> {
    const changes = items.flatMap((item) => item.changes);
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      this.#isRunning = false;
      this.#expected += 1;
      this.#startNext();
    };
    try {
      answer(items, await this.#commitGroup(changes, release));
    } catch (error) {
      for (const item of items) item.reject(error);
    }
    this.#pending -= changes.length;
    if (isReleased) {
      this.#expected -= 1;
      this.#expectBack(items.length);
    } else {
      this.#isRunning = false;
    }
    this.#startNext();
    if (this.#pending === 0) this.#onIdle?.();
  }

  #expectBack(calls: number): void {
    this.#endReturn?.();
    this.#returning = calls;
    this.#endReturn = this.#clock.schedule(RETURN_MS, () => {
      this.#returning = 0;
      this.#startNext();
    });
  }

  /** Refuses what comes, and resolves when everything that came has its answer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#pending === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}

/** It reads more than its neighbours could tell it of, or fills a commit by itself. */
function isAlone({ changes }: Item): boolean {
  return changes.some((change) => {
    return "isLarge" in change ? change.isLarge : change.kind === "restore-prefix";
  });
}

function answer(items: readonly Item[], outcomes: readonly ChangeOutcome[]): void {
  let index = 0;
  for (const item of items) {
    item.resolve(outcomes.slice(index, index + item.changes.length));
    index += item.changes.length;
  }
}
