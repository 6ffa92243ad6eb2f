import { KoboldError } from "@koboldfs/protocol";
import type { Catalog } from "../catalog/catalog.js";
import { findGenesis } from "../mirror/continue-history.js";
import type { MirrorBranch, MirrorHead } from "../mirror/mirror.js";
import { findFork } from "../model/fence.js";
import type { JournalGroup } from "../model/journal-group.js";
import { type JournalPoint, verifyChain, verifyHistory } from "../model/journal-history.js";
import { crashPoint } from "../runtime/crash-points.js";
import { type HistorySource, readBatches } from "./history-source.js";

export interface HistoryRebuildOptions {
  /** Empty, or what an earlier run left unfinished. */
  readonly catalog: Pick<
    Catalog,
    "clusterId" | "findGroupHash" | "head" | "indexJournal" | "listNamespaces" | "pruneVersions" | "rebuildJournal"
  >;
  readonly sources: readonly HistorySource[];
  /** Outcomes of groups before this moment need not be restored. */
  readonly outcomesSinceMs: number;
  /** Told how far the journal is, of how much. */
  readonly onProgress?: (number: number, of: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What one mirror was good for. */
export interface SourceReport {
  readonly name: string;
  /** How far it is by its own word, and the newest epoch that it knows. */
  readonly number: number;
  readonly epoch: number;
  /** Where its chain breaks: what it has from there on is not to be trusted. */
  readonly brokenAt?: number;
  readonly reason?: string;
}

/** Entries that one mirror has and the chosen history has not. */
export interface NamedBranch extends MirrorBranch {
  readonly name: string;
}

interface KnownSource {
  readonly source: HistorySource;
  readonly head: MirrorHead;
  broken?: { readonly at: number; readonly reason: string };
}

/** Entries after which history that its horizon has passed is pruned: it shall not grow into what is thrown away anyway. */
const PRUNE_EVERY = 100_000;
const PRUNE_ROWS = 1000;

/**
 * Makes the journal of a catalog from mirrors. The line that counts is that of the newest epoch, and in it the longest;
 * every group is hashed, and where one mirror's chain breaks another one that has the same history goes on.
 */
export class HistoryRebuild {
  readonly #options: HistoryRebuildOptions;
  #known: KnownSource[] = [];
  #prunedAt = 0;

  constructor(options: HistoryRebuildOptions) {
    this.#options = options;
  }

  /** Throws `catalog_not_empty` when the catalog is the beginning of another history. */
  async copyGroups(): Promise<void> {
    const { sources, signal } = this.#options;
    this.#known = [];
    for (const source of sources) this.#known.push({ source, head: await source.mirror.head(signal) });
    this.#known.sort((a, b) => b.head.epoch - a.head.epoch || b.head.number - a.head.number);
    await this.#checkBeginning();
    // Behind its break a damaged mirror may be the only one that has more: once another one has bridged that.
    for (let before = -1; before < (await this.#options.catalog.head()).number; ) {
      before = (await this.#options.catalog.head()).number;
      for (const known of this.#known) await this.#extendFrom(known);
    }
    await this.#prune();
    await this.#options.catalog.indexJournal();
    crashPoint("rebuild.journal.indexed");
  }

  /** The newest epoch that any mirror knows. */
  get newestEpoch(): number {
    return Math.max(0, ...this.#known.map(({ head }) => head.epoch));
  }

  listSources(): SourceReport[] {
    return this.#known.map(({ source, head, broken }) => {
      const { number, epoch } = head;
      return { name: source.name, number, epoch, ...(broken && { brokenAt: broken.at, reason: broken.reason }) };
    });
  }

  /** What the mirrors have besides the history that was copied: what was split off them, and what went on differently. */
  async listBranches(): Promise<NamedBranch[]> {
    const branches: NamedBranch[] = [];
    for (const { source, head } of this.#known) {
      const { name } = source;
      branches.push(...(await source.listBranches()).map((branch) => ({ ...branch, name })));
      if (await this.#hasPoint(head)) continue;
      const branch = await this.#findBranch(source, head.number);
      if (branch.groups.length > 0) branches.push({ ...branch, name });
    }
    return branches;
  }

  /** An earlier run may have begun from these mirrors; what it wrote is checked by its last hash. */
  async #checkBeginning(): Promise<void> {
    const head = await this.#options.catalog.head();
    if (head.number === 0) return;
    for (const { source } of this.#known) if (await hasPoint(source, head)) return;
    throw new KoboldError("catalog_not_empty", "what is unfinished there was made from other mirrors");
  }

  async #extendFrom(known: KnownSource): Promise<void> {
    const { catalog, signal } = this.#options;
    const { source } = known;
    let head: JournalPoint = await catalog.head();
    if (head.number >= known.head.number || !(head.number === 0 || (await hasPoint(source, head)))) return;
    // The next batch is read while this one is written.
    let writing: Promise<unknown> = Promise.resolve();
    try {
      for await (const batch of readBatches(source, head.number, signal)) {
        const check = verifyChain(head, batch);
        const sound = check.ok ? batch : batch.filter(({ last }) => last < check.at);
        await writing;
        writing = this.#write(sound, known.head.number);
        writing.catch(() => undefined);
        const last = sound.at(-1);
        if (last !== undefined) head = { number: last.last, hash: last.hash };
        if (check.ok) continue;
        known.broken = { at: check.at, reason: check.reason };
        break;
      }
    } finally {
      await writing;
    }
  }

  async #write(groups: readonly JournalGroup[], of: number): Promise<void> {
    const { catalog, outcomesSinceMs, onProgress, signal } = this.#options;
    signal?.throwIfAborted();
    const last = groups.at(-1)?.last;
    if (last === undefined) return;
    if (!(await catalog.rebuildJournal(groups, outcomesSinceMs))) {
      throw new KoboldError("rebuild_refused", "somebody else writes to the catalog that is being made");
    }
    crashPoint("rebuild.groups.written");
    onProgress?.(last, of);
    if (last - this.#prunedAt < PRUNE_EVERY) return;
    this.#prunedAt = last;
    await this.#prune();
  }

  /** A namespace's horizon says that its history is given up; its blobs are gone, and must not be missed. */
  async #prune(): Promise<void> {
    while ((await this.#options.catalog.pruneVersions(PRUNE_ROWS)) === PRUNE_ROWS)
      this.#options.signal?.throwIfAborted();
  }

  async #hasPoint({ number, hash }: JournalPoint): Promise<boolean> {
    return number === 0 || (await this.#options.catalog.findGroupHash(number)) === hash;
  }

  /** Where the source left the history that was copied, and what it has from there on as far as its chain is sound. */
  async #findBranch(source: HistorySource, end: number): Promise<MirrorBranch> {
    const { catalog, signal } = this.#options;
    const fork = await findFork({
      genesis: findGenesis(catalog.clusterId),
      end,
      findGroupBehind: async (number) => pointOf((await source.mirror.listGroups(number, 1, signal))[0]),
      hasPoint: (point) => this.#hasPoint(point),
    });
    const groups: JournalGroup[] = [];
    let head: JournalPoint = fork;
    for await (const batch of readBatches(source, fork.number, signal)) {
      const check = verifyHistory(head, batch);
      groups.push(...(check.ok ? batch : batch.filter(({ last }) => last < check.at)));
      if (!check.ok) break;
      head = check.head;
    }
    return { fork, groups };
  }
}

async function hasPoint({ mirror }: HistorySource, { number, hash }: JournalPoint): Promise<boolean> {
  return (await mirror.findGroupHash(number)) === hash;
}

function pointOf(group: JournalGroup | undefined): JournalPoint | undefined {
  return group && { number: group.last, hash: group.hash };
}
