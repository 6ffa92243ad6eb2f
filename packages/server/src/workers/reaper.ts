import { KoboldError } from "@koboldfs/protocol";
import type { BlobRef } from "../blobs/blob-store.js";
import type { JournalCatalog, ReferenceCatalog } from "../catalog/catalog.js";
import type { Clock } from "../runtime/clock.js";
import { crashPoint } from "../runtime/crash-points.js";

/** Where blobs are removed: this node's own volumes. */
export interface ReapedStore {
  removeIf(ref: BlobRef, isWanted: () => boolean, options?: { isDurable?: boolean }): Promise<boolean>;
}

export interface ReaperOptions {
  readonly catalog: ReferenceCatalog & Pick<JournalCatalog, "head">;
  readonly store: ReapedStore;
  readonly clock: Clock;
}

/**
 * A placement is named within ten minutes or never (`MAX_PLACEMENT_AGE_MS`). Six times that leaves room for clocks that
 * do not run alike, and an hour of garbage costs nobody anything.
 */
export const REAP_WAIT_MS = 60 * 60_000;
/** Blobs watched at once, about 200 bytes each; those beyond wait for a later pass. */
const MAX_SIGHTINGS = 100_000;

interface Sighting {
  readonly sinceMs: number;
}

/**
 * Unlinks blobs that nothing refers to. A blob goes only when this process saw it unreferenced twice, an hour apart,
 * nobody placed it here in between (`placed`), and the catalog confirms it while no commit is under way. Whoever names a
 * blob either placed it within ten minutes, and then a sighting is either younger than that or was forgotten; or got it
 * from another name, and then it was referenced. A node that is not among those who placed it gets a debt instead.
 */
export class Reaper {
  readonly #options: ReaperOptions;
  readonly #sightings = new Map<string, Sighting>();
  #highestHead = 0;

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** How many blobs were seen unreferenced and wait. */
  get waiting(): number {
    return this.#sightings.size;
  }

  /** Somebody placed the blob here, or relies on its being here: whatever was seen before counts no more. */
  placed(ref: BlobRef): void {
    this.#sightings.delete(nameOf(ref));
  }

  /** Looks at blobs that lie here; answers how many it unlinked. Throws when the catalog does not answer for each. */
  async look(refs: readonly BlobRef[]): Promise<number> {
    const { catalog, clock } = this.#options;
    await this.#checkHead();
    const beforeMs = clock.monotonic();
    const unreferenced = new Set((await catalog.listUnreferenced(refs)).map(nameOf));
    const ripe = refs.filter((ref) => {
      if (unreferenced.has(nameOf(ref))) return this.#see(ref, beforeMs);
      this.placed(ref);
      return false;
    });
    return ripe.length === 0 ? 0 : this.#unlink(ripe);
  }

  /**
   * Unlinks blobs at once, durably, but for those that something refers to: the commit refuses whoever placed one here
   * before (`checkPlacement`). Answers those that are not here any more, or need not go; the others were placed again
   * meanwhile and are to be tried again.
   */
  async purge<Ref extends BlobRef>(refs: readonly Ref[]): Promise<Ref[]> {
    const { catalog, clock, store } = this.#options;
    const sighting: Sighting = { sinceMs: clock.monotonic() };
    for (const ref of refs) this.#sightings.set(nameOf(ref), sighting);
    const confirmed = new Set((await catalog.confirmUnreferenced(refs)).map(nameOf));
    crashPoint("purge.confirmed");
    const obeyed: Ref[] = [];
    for (const ref of refs) {
      const isWanted = () => this.#sightings.get(nameOf(ref)) === sighting;
      const isDone = !confirmed.has(nameOf(ref)) || (await store.removeIf(ref, isWanted, { isDurable: true }));
      crashPoint("purge.unlinked");
      if (isDone) obeyed.push(ref);
      if (isWanted()) this.placed(ref);
    }
    return obeyed;
  }

  /** Notes an unreferenced blob; true when it was seen so long enough ago. */
  #see(ref: BlobRef, beforeMs: number): boolean {
    const earlier = this.#sightings.get(nameOf(ref));
    if (earlier !== undefined) return beforeMs - earlier.sinceMs >= REAP_WAIT_MS;
    if (this.#sightings.size < MAX_SIGHTINGS) {
      this.#sightings.set(nameOf(ref), { sinceMs: this.#options.clock.monotonic() });
    }
    return false;
  }

  async #unlink(ripe: readonly BlobRef[]): Promise<number> {
    const { catalog, store } = this.#options;
    const sightings = new Map(ripe.map((ref) => [nameOf(ref), this.#sightings.get(nameOf(ref))]));
    let unlinked = 0;
    for (const ref of await catalog.confirmUnreferenced(ripe)) {
      const sighting = sightings.get(nameOf(ref));
      const isWanted = () => sighting !== undefined && this.#sightings.get(nameOf(ref)) === sighting;
      crashPoint("reap.confirmed");
      if (await store.removeIf(ref, isWanted)) unlinked += 1;
      crashPoint("reap.unlinked");
      this.placed(ref);
    }
    return unlinked;
  }

  /** A catalog that has forgotten entries knows too few references: it is an older copy that came back. */
  async #checkHead(): Promise<void> {
    const { number } = await this.#options.catalog.head();
    if (number < this.#highestHead) {
      this.#sightings.clear();
      throw new KoboldError(
        "internal",
        `the catalog was at ${this.#highestHead} and is at ${number}: nothing is reaped`,
      );
    }
    this.#highestHead = number;
  }
}

function nameOf({ namespace, digest }: BlobRef): string {
  return `${namespace}/${digest}`;
}
