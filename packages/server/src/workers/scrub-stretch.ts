import type { BlobRef } from "../blobs/blob-store.js";
import type { PlacementWatch, ScrubbedStore, StoredCopy } from "../blobs/scrubbed-store.js";
import type {
  CompletionCatalog,
  CopyCatalog,
  DebtCatalog,
  ReferenceCatalog,
  StoredBlobRecord,
} from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import { digestRange } from "../model/folder-shard.js";
import { NODE_STATES } from "../model/node-state.js";
import { MAX_PLACEMENT_AGE_MS } from "../model/placement-age.js";
import {
  decideScrub,
  isAsItShouldBe,
  isVolumeFailing,
  type Reading,
  type ScrubAction,
  type ScrubPlan,
} from "../model/scrub-decision.js";
import type { Clock } from "../runtime/clock.js";
import { crashPoint } from "../runtime/crash-points.js";
import type { Logger } from "../runtime/logger.js";
import { nameOf, PlacementWatches } from "./placement-watches.js";
import type { ScrubReport } from "./scrub-report.js";
import type { VolumeReads } from "./volume-reads.js";

export interface ScrubStretchOptions {
  readonly store: ScrubbedStore;
  readonly catalog: Pick<CopyCatalog, "listBlobs" | "listOwedBy"> &
    Pick<DebtCatalog, "listDebts" | "settleDebts"> &
    Pick<CompletionCatalog, "addDebts"> &
    Pick<ReferenceCatalog, "listUnreferenced">;
  readonly cluster: Pick<Cluster, "self" | "nodes" | "readingPeers" | "nudge">;
  readonly reads: VolumeReads;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How a stretch is to be gone through. */
export interface StretchMode {
  /** Whether what is found is mended. */
  readonly repairs: boolean;
  readonly bytesPerSecond: number;
  readonly report: ScrubReport;
  readonly signal: AbortSignal;
}

/** A moment for whatever disturbed the first reading to pass. */
const READ_AGAIN_AFTER_MS = 200;
/** They are one question and one answer, however small: enough that it does not matter, few enough to tell how far it is. */
const READS_AT_ONCE = 256;
/** Blobs that the catalog is asked about at once. */
const PAGE = 500;

/** A copy and what reading it came to. */
interface Looked {
  readonly copy: StoredCopy;
  readonly first: Reading;
  second?: Reading;
}

/** Everything that is known of one blob. */
interface Suspect {
  readonly ref: BlobRef;
  readonly copies: Looked[];
  /** Something refers to it. */
  isNamed: boolean;
  /** What the journal says of it; a change that is only staged is not in it yet. */
  record: StoredBlobRecord | undefined;
  isOwed: boolean;
}

const UNKNOWN = { isNamed: false, record: undefined, isOwed: false } as const;

/**
 * One run of folder shards, both ways: what the disk has and what the catalog names.
 *
 * Nothing is judged wrongly because something happens at the same time, for these reasons. Of a blob that is placed, or
 * relied on, since its watch began, nothing is said; watches begin before the first reading, and are asked again under the
 * lock that guards every placing and removing. The catalog is asked after the disk was listed: a name that is younger than
 * that may lack its copy in the list, so what seems missing is looked for once more. It is missing only if, in this order, the
 * catalog names it, no debt says that it is owed, it is not on the disk, and the catalog still names it: by the commit's
 * rule a node that does not owe a named blob has it, a debt is only settled when the blob is durable here, and who removes
 * blobs removes only those that nothing names. What nothing names is left to the reaper, which has rules of its own.
 */
export class ScrubStretch {
  readonly #options: ScrubStretchOptions;

  constructor(options: ScrubStretchOptions) {
    this.#options = options;
  }

  /** Answers the last shard that was gone through. */
  async run(from: number, mode: StretchMode): Promise<number> {
    const { store } = this.#options;
    const watches = new PlacementWatches(store);
    try {
      const { to, copies } = await store.listStretch(from);
      for (const { ref } of copies) watches.begin(ref);
      const looked = await this.#readAll(copies, mode);
      const suspects = await this.#ask({ from, to }, looked, watches);
      for (const suspect of suspects) await this.#completeCopies(suspect, mode);
      await this.#askDebts(suspects);
      await this.#judgeAll(suspects, watches, mode);
      return to;
    } finally {
      watches.end();
    }
  }

  async #readAll(copies: readonly StoredCopy[], mode: StretchMode): Promise<Looked[]> {
    const looked: Looked[] = [];
    for (let index = 0; index < copies.length; index += READS_AT_ONCE) {
      looked.push(...(await this.#read(copies.slice(index, index + READS_AT_ONCE), mode)));
    }
    return looked;
  }

  async #read(copies: readonly StoredCopy[], { bytesPerSecond, report, signal }: StretchMode): Promise<Looked[]> {
    signal.throwIfAborted();
    const readings = await this.#options.store.read(copies, bytesPerSecond, signal);
    return copies.map((copy, index) => {
      const first = readings[index] ?? "unreadable";
      if (first !== "gone") report.read(copy.sizeBytes);
      return { copy, first };
    });
  }

  /** Puts what lies here and what the catalog says of it together. */
  async #ask(
    range: { from: number; to: number },
    looked: readonly Looked[],
    watches: PlacementWatches,
  ): Promise<Suspect[]> {
    const suspects = new Map<string, Suspect>();
    for (const record of await this.#listNamed(range)) {
      suspects.set(nameOf(record), { ref: record, copies: [], isNamed: true, record, isOwed: false });
    }
    for (const one of looked) {
      const { ref } = one.copy;
      const suspect = suspects.get(nameOf(ref)) ?? { ...UNKNOWN, ref, copies: [] };
      suspect.copies.push(one);
      suspects.set(nameOf(ref), suspect);
    }
    await this.#findOtherNames([...suspects.values()].filter(({ isNamed }) => !isNamed));
    lendCopies([...suspects.values()]);
    for (const { ref } of suspects.values()) watches.begin(ref);
    return [...suspects.values()].filter(({ copies, isNamed }) => copies.length > 0 || isNamed);
  }

  async #listNamed({ from, to }: { from: number; to: number }): Promise<StoredBlobRecord[]> {
    const { lowest, highest } = digestRange(from, to);
    const all: StoredBlobRecord[] = [];
    let after = { digest: lowest, namespace: "" };
    for (;;) {
      const page = await this.#options.catalog.listBlobs({ after, until: highest, limit: PAGE });
      for (const blob of page) all.push(blob);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return all;
      after = { digest: last.digest, namespace: last.namespace };
    }
  }

  /** Copies that lie astray may be named though the list of these shards does not have them. */
  async #findOtherNames(unlisted: readonly Suspect[]): Promise<void> {
    const { catalog } = this.#options;
    for (let index = 0; index < unlisted.length; index += PAGE) {
      const batch = unlisted.slice(index, index + PAGE);
      const idle = new Set((await catalog.listUnreferenced(batch.map(({ ref }) => ref))).map(nameOf));
      for (const suspect of batch.filter(({ ref }) => !idle.has(nameOf(ref)))) {
        suspect.isNamed = true;
        suspect.record = await this.#findRecord(suspect.ref);
      }
    }
  }

  async #findRecord({ namespace, digest }: BlobRef): Promise<StoredBlobRecord | undefined> {
    const page = { after: { digest, namespace: "" }, until: digest, limit: PAGE };
    return (await this.#options.catalog.listBlobs(page)).find((record) => record.namespace === namespace);
  }

  /** Of a blob that was found astray, the copies in its place too: those may be in shards far from here. */
  async #completeCopies(suspect: Suspect, mode: StretchMode): Promise<void> {
    if (!suspect.copies.some(({ copy }) => !isInPlace(copy, suspect.ref))) return;
    for (const copy of await this.#options.store.findInPlace(suspect.ref)) {
      if (suspect.copies.some((one) => one.copy.path === copy.path)) continue;
      suspect.copies.push(...(await this.#read([copy], mode)));
    }
  }

  async #askDebts(suspects: readonly Suspect[]): Promise<void> {
    const { catalog, cluster } = this.#options;
    if ((await catalog.listDebts(cluster.self, 1)).length === 0) return;
    for (let index = 0; index < suspects.length; index += PAGE) {
      const batch = suspects.slice(index, index + PAGE);
      const owed = new Set(
        (
          await catalog.listOwedBy(
            cluster.self,
            batch.map(({ ref }) => ref),
          )
        ).map(nameOf),
      );
      for (const suspect of batch) suspect.isOwed = owed.has(nameOf(suspect.ref));
    }
  }

  async #judgeAll(suspects: readonly Suspect[], watches: PlacementWatches, mode: StretchMode): Promise<void> {
    const missing = suspects.filter(isMissing);
    const confirmed = await this.#confirmMissing(missing);
    const plans = new Map<Suspect, ScrubPlan>();
    for (const suspect of this.#passSound(suspects)) {
      if (missing.includes(suspect) && !confirmed.has(nameOf(suspect.ref))) continue;
      plans.set(suspect, await this.#judge(suspect, watches, mode));
    }
    if (mode.repairs) this.#checkVolumes();
    for (const [suspect, plan] of plans) {
      this.#tell(suspect, plan, mode.report);
      if (mode.repairs) await this.#carryOut(suspect, plan, { watches, report: mode.report });
    }
  }

  /** The others, in their order. */
  #passSound(suspects: readonly Suspect[]): Suspect[] {
    return suspects.filter(({ ref, copies, isNamed, isOwed }) => {
      const [one] = copies;
      if (one === undefined || copies.length > 1) return true;
      const seen = [{ first: one.first, isInPlace: isInPlace(one.copy, ref) }];
      if (!isAsItShouldBe({ copies: seen, isNamed, isOwed })) return true;
      this.#options.reads.add(one.copy.volume, one.first);
      return false;
    });
  }

  /** Looked for once more, and named still: whoever placed it meanwhile has it there by now. */
  async #confirmMissing(missing: readonly Suspect[]): Promise<Set<string>> {
    const { catalog, store } = this.#options;
    const absent: BlobRef[] = [];
    for (const { ref } of missing) if ((await store.findInPlace(ref)).length === 0) absent.push(ref);
    const confirmed = new Set<string>();
    for (let index = 0; index < absent.length; index += PAGE) {
      const batch = absent.slice(index, index + PAGE);
      const idle = new Set((await catalog.listUnreferenced(batch)).map(nameOf));
      for (const ref of batch) if (!idle.has(nameOf(ref))) confirmed.add(nameOf(ref));
    }
    return confirmed;
  }

  async #judge(suspect: Suspect, watches: PlacementWatches, mode: StretchMode): Promise<ScrubPlan> {
    const { clock, reads } = this.#options;
    let plan = this.#decide(suspect, watches);
    const again = plan.actions.flatMap((action) => (action.kind === "read-again" ? [action.copy] : []));
    if (again.length > 0) {
      await clock.sleep(READ_AGAIN_AFTER_MS, mode.signal);
      for (const index of again) {
        const looked = suspect.copies[index];
        if (looked === undefined) continue;
        const [reread] = await this.#read([looked.copy], mode);
        if (reread !== undefined) looked.second = reread.first;
      }
      plan = this.#decide(suspect, watches);
    }
    for (const { copy, first, second } of suspect.copies) reads.add(copy.volume, second ?? first);
    const isGone =
      suspect.copies.length > 0 && suspect.copies.every(({ first, second }) => (second ?? first) === "gone");
    // Whoever removed it may have had a reason: it was purged since the catalog was asked.
    if (isGone && !(await this.#confirmMissing([suspect])).has(nameOf(suspect.ref)))
      return { findings: [], actions: [] };
    return plan;
  }

  #decide({ ref, copies, isNamed, isOwed }: Suspect, watches: PlacementWatches): ScrubPlan {
    const { clock } = this.#options;
    return decideScrub({
      copies: copies.map(({ copy, first, second }) => ({
        isInPlace: isInPlace(copy, ref),
        first,
        ...(second !== undefined && { second }),
      })),
      isNamed,
      isOwed,
      isHolder: this.#isHolder(),
      isPlacedMeanwhile: watches.isPlaced(ref),
      isOld: copies.every(({ copy }) => clock.now() - copy.modifiedMs > MAX_PLACEMENT_AGE_MS),
    });
  }

  /** A node that is being filled lacks what it has not come to yet. */
  #isHolder(): boolean {
    const { cluster } = this.#options;
    const self = cluster.nodes().find(({ id }) => id === cluster.self);
    return self !== undefined && NODE_STATES[self.state].owes && self.backfillPosition >= self.joinedAt;
  }

  /** Throws when a volume was taken out: what was seen on it is the volume's fault. */
  #checkVolumes(): void {
    const { reads, store } = this.#options;
    for (const [volume, tally] of reads.list()) {
      if (!isVolumeFailing(tally)) continue;
      reads.forget(volume);
      const reason = `${tally.bad} of the ${tally.read} blobs read last were bad`;
      store.distrust(volume, reason);
      throw new Error(`volume ${volume} was taken out: ${reason}`);
    }
  }

  #tell({ ref, copies }: Suspect, { findings }: ScrubPlan, report: ScrubReport): void {
    const { namespace, digest } = ref;
    for (const finding of findings) {
      const path = copies[0]?.copy.path;
      report.found(finding, { namespace, digest, ...(path !== undefined && { path }) });
      // A debt that is known is nobody's news.
      if (finding === "under-replicated" || finding === "orphaned") continue;
      this.#options.log.warn({ event: "scrub_finding", finding, namespace, digest, path }, `a blob is ${finding}`);
    }
  }

  async #carryOut(
    suspect: Suspect,
    { actions }: ScrubPlan,
    { watches, report }: { watches: PlacementWatches; report: ScrubReport },
  ): Promise<void> {
    for (const action of actions) {
      const isMended = await this.#act(suspect, action, watches.get(suspect.ref));
      if (isMended) report.mended();
    }
  }

  /** True when something on the disk was changed. */
  async #act(suspect: Suspect, action: ScrubAction, watch: PlacementWatch): Promise<boolean> {
    const { store } = this.#options;
    if (action.kind === "owe") return this.#owe(suspect);
    if (action.kind === "settle") return this.#settle(suspect);
    const copy = suspect.copies[action.copy]?.copy;
    if (copy === undefined) return false;
    switch (action.kind) {
      case "quarantine":
        return store.quarantine(copy, watch);
      case "put-in-place":
        return store.putInPlace(copy, suspect.ref, watch);
      case "remove":
        return store.remove(copy, watch);
      default:
        return false;
    }
  }

  async #owe({ record }: Suspect): Promise<false> {
    const { catalog, cluster } = this.#options;
    if (record === undefined) return false;
    await catalog.addDebts([{ ...record, node: cluster.self, copies: cluster.readingPeers().length }]);
    crashPoint("scrub.owed");
    cluster.nudge([cluster.self]);
    return false;
  }

  /** It was read and is good: whoever lost it has it again. */
  async #settle({ ref, record }: Suspect): Promise<false> {
    const { catalog, cluster } = this.#options;
    const sizeBytes = record?.sizeBytes ?? 0;
    await catalog.settleDebts([{ ...ref, node: cluster.self, sizeBytes, copies: 0 }]);
    return false;
  }
}

/** A folder of a namespace may lie under another's name: what nothing names there may be what is missing here. */
function lendCopies(suspects: readonly Suspect[]): void {
  const homeless = new Map(suspects.filter(isMissing).map((suspect) => [suspect.ref.digest as string, suspect]));
  if (homeless.size === 0) return;
  for (const suspect of suspects.filter(({ isNamed }) => !isNamed)) {
    const owner = homeless.get(suspect.ref.digest);
    if (owner !== undefined) owner.copies.push(...suspect.copies.splice(0));
  }
}

function isMissing({ copies, isNamed }: Suspect): boolean {
  return copies.length === 0 && isNamed;
}

function isInPlace(copy: StoredCopy, ref: BlobRef): boolean {
  return copy.isInPlace && copy.ref.digest === ref.digest && copy.ref.namespace === ref.namespace;
}
