import { KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type { JournalCatalog, NamespaceCatalog, NamespaceHorizon } from "../../catalog/catalog.js";
import type { MirrorReader } from "../mirror.js";
import type { WatchedMirror } from "../watched-mirror.js";
import { type JournalGroup, type JournalGroupContent, parseJournalGroup } from "../../model/journal-group.js";
import type { JournalPoint } from "../../model/journal-history.js";
import { type ChangeFilter, listNotedChanges, type NotedChange } from "../../model/noted-change.js";
import type { Clock } from "../../runtime/clock.js";
import { RecentGroups } from "./recent-groups.js";

export interface ChangeFeedOptions {
  readonly mirror: Pick<MirrorReader, "head" | "listGroups" | "listHorizons"> & Pick<WatchedMirror, "watch">;
  readonly catalog: Pick<JournalCatalog, "head"> & Pick<NamespaceCatalog, "findNamespace">;
  readonly clock: Clock;
}

/** Some changes in order, and how far the journal was read for them. */
export interface ChangePage {
  readonly changes: readonly NotedChange[];
  /** Where to go on: everything up to here was looked at. */
  readonly position: number;
  /** Where the journal ended. */
  readonly head: number;
}

/** Groups read at once from the mirror, so that a reader far behind holds up nobody else for long. */
const MAX_READ_GROUPS = 250;
/** When so much came at once, fewer groups are read the next time: one of them may hold a thousand files' metadata. */
const LARGE_READ_BYTES = 1024 * 1024;

/**
 * What changes files, in commit order, for any number of readers: each says where it stands, nothing is kept for it here.
 * The journal is read from this node's mirror, which is told of every commit; the newest of it is read once for all.
 * While two halves of a cluster that forked are joined, numbers behind the fork are given out anew: readers that wait
 * here then are sent back to the fork.
 */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #stopping = new AbortController();
  readonly #unwatch: () => void;
  #recent: RecentGroups;
  #refreshing: Promise<void> | undefined;
  #grown = newSignal();
  #lastFork: number | undefined;
  #forks = 0;
  #readGroups = 16;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
    this.#recent = new RecentGroups(options.mirror.head().number);
    this.#unwatch = options.mirror.watch((head, fork) => {
      if (fork !== undefined) {
        this.#recent = new RecentGroups(head.number);
        this.#forks += 1;
        this.#lastFork = fork.number;
      }
      this.#grown.fire();
      this.#grown = newSignal();
    });
  }

  /** Fires when the node stops: readers are told where they stand, and go on at another node. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  stop(): void {
    this.#unwatch();
    this.#stopping.abort();
    this.#grown.fire();
  }

  /** How far this node knows the journal. */
  head(): number {
    return this.#options.mirror.head().number;
  }

  /**
   * Opens a reader behind `after`. Throws `changes_gone` when not all of what followed is known any more,
   * `invalid_request` when the journal has not come so far anywhere, and `namespace_not_found`. `forks`: how often numbers
   * had been given out anew in the history that `after` is of, when that is known.
   */
  async open(filter: ChangeFilter, after: number, forks = this.#forks): Promise<ChangeReader> {
    if (after > this.head()) await this.#checkAhead(after);
    const gap = await this.findGap(filter, after);
    if (gap !== undefined) throw changesGone(gap, after, this.head());
    return new ChangeReader(this, filter, { after, forks });
  }

  /** For readers: how often numbers were given out anew, and behind which number the last time. */
  get forks(): { readonly count: number; readonly last: number } {
    return { count: this.#forks, last: this.#lastFork ?? 0 };
  }

  /** The end of the group that has this number, as this node's history goes now; undefined when it does not go so far. */
  async findPoint(number: number): Promise<JournalPoint | undefined> {
    const [group] = await this.#options.mirror.listGroups(number - 1, 1);
    return group && { number: group.last, hash: group.hash };
  }

  /** One bounded piece of what follows. */
  async read(filter: ChangeFilter, after: number, limit: number): Promise<ChangePage> {
    const head = this.head();
    if (after >= head) return { changes: [], position: after, head };
    await this.#refresh();
    const isRecent = this.#recent.reachesBackTo(after);
    const groups = isRecent ? this.#recent.listBehind(after) : parseEach(await this.#readMirror(after));
    const changes: NotedChange[] = [];
    let position = after;
    for (const group of groups) {
      for (const change of listNotedChanges(group, filter)) {
        if (change.number <= after) continue;
        changes.push(change);
        if (changes.length === limit) return { changes, position: change.number, head };
      }
      position = group.last;
    }
    return { changes, position, head };
  }

  /** Resolves when there is more than `number`, after `ms`, or when the signal or the stop of the node fires. */
  async waitBehind(number: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.head() > number || this.stopping.aborted) return;
    const { fired } = this.#grown;
    const waiting = new AbortController();
    const either = AbortSignal.any([signal, waiting.signal]);
    await Promise.race([fired, this.#options.clock.sleep(ms, either)]);
    waiting.abort("over");
  }

  async #readMirror(after: number): Promise<JournalGroup[]> {
    const groups = await this.#options.mirror.listGroups(after, this.#readGroups);
    const bytes = groups.reduce((sum, group) => sum + group.bytes.length, 0);
    const next = bytes > LARGE_READ_BYTES ? Math.ceil(this.#readGroups / 4) : this.#readGroups * 2;
    this.#readGroups = Math.min(next, MAX_READ_GROUPS);
    return groups;
  }

  /** Reads what came since for all readers at once. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#readRecent().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readRecent(): Promise<void> {
    const recent = this.#recent;
    const head = this.head();
    if (recent.end >= head) return;
    const groups = await this.#options.mirror.listGroups(recent.end, MAX_READ_GROUPS);
    // A fork may have ended this run meanwhile; and after a long sleep it is cheaper to begin anew at the end.
    if (recent !== this.#recent) return;
    if ((groups.at(-1)?.last ?? 0) >= head) recent.add(groups);
    else this.#recent = new RecentGroups(head);
  }

  /** A mirror may lag behind what its reader saw at another node; beyond the catalog's head nobody can have read. */
  async #checkAhead(after: number): Promise<void> {
    const head = await this.#options.catalog.head().catch((error: unknown) => {
      if (error instanceof KoboldError && error.code === "catalog_unavailable") return { number: after };
      throw error;
    });
    if (after > head.number) {
      throw new KoboldError("invalid_request", `the journal has come to ${head.number}, not to ${after} yet`);
    }
  }

  /**
   * The number from which on everything is known again, when not all that followed `after` is: whoever lists the files
   * as of a later number and goes on from there has missed nothing. Throws `namespace_not_found`.
   */
  async findGap({ namespace }: ChangeFilter, after: number): Promise<number | undefined> {
    const all = await this.#options.mirror.listHorizons();
    const followed = namespace === undefined ? all : all.filter((horizon) => horizon.namespace === namespace);
    // One that was made a moment ago at another node may not have come to this one yet.
    if (namespace !== undefined && followed.length === 0) await this.#checkNamespace(namespace);
    let gap: number | undefined;
    for (const horizon of followed) {
      if (after >= horizon.horizon || (await this.#isBirth(horizon))) continue;
      gap = Math.max(gap ?? 0, horizon.horizon);
    }
    return gap;
  }

  async #checkNamespace(name: NamespaceName): Promise<void> {
    if ((await this.#options.catalog.findNamespace(name)) !== undefined) return;
    throw new KoboldError("namespace_not_found", `there is no namespace ${name}`);
  }

  /** A horizon begins where its namespace was made: nothing is gone of one whose horizon never moved. */
  async #isBirth({ namespace, horizon, createdMs }: NamespaceHorizon): Promise<boolean> {
    const [group] = await this.#options.mirror.listGroups(horizon - 1, 1);
    if (group === undefined) return false;
    const { entries, timeMs } = parseJournalGroup(group.bytes);
    const entry = entries.find(({ number }) => number === horizon);
    return timeMs === createdMs && entry?.kind === "namespace" && entry.namespace === namespace;
  }
}

/** One after the other: the reader may have enough before the last. */
function* parseEach(groups: readonly JournalGroup[]): Generator<JournalGroupContent> {
  for (const { bytes } of groups) yield parseJournalGroup(bytes);
}

function changesGone(gap: number, after: number, head: number): KoboldError {
  const gone = `the changes behind ${after} are gone up to ${gap}`;
  return new KoboldError("changes_gone", `${gone}: list the files as of ${head} and follow from there`);
}

/** One reader's place in the feed. */
export class ChangeReader {
  readonly #feed: ChangeFeed;
  readonly #filter: ChangeFilter;
  #position: number;
  #forks: number;

  constructor(feed: ChangeFeed, filter: ChangeFilter, place: { after: number; forks: number }) {
    this.#feed = feed;
    this.#filter = filter;
    this.#position = place.after;
    this.#forks = place.forks;
  }

  /** How often numbers had been given out anew in the history that the last page is of. */
  get forks(): number {
    return this.#forks;
  }

  get position(): number {
    return this.#position;
  }

  get isAtHead(): boolean {
    return this.#position >= this.#feed.head() && this.#forks === this.#feed.forks.count;
  }

  async next(limit: number): Promise<ChangePage> {
    const { count, last } = this.#feed.forks;
    if (count !== this.#forks) this.#position = Math.min(this.#position, last);
    this.#forks = count;
    const page = await this.#feed.read(this.#filter, this.#position, limit);
    this.#position = page.position;
    return page;
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.isAtHead) await this.#feed.waitBehind(this.#position, ms, signal);
  }
}

interface Signal {
  readonly fired: Promise<void>;
  fire(): void;
}

function newSignal(): Signal {
  let fire = () => {};
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire: () => fire() };
}
