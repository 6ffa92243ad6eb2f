import { KoboldError } from "@koboldfs/protocol";
import type { FileCatalog, JournalCatalog, NamespaceCatalog, NodeCatalog } from "../catalog/catalog.js";
import type { MirrorReader } from "../mirror/mirror.js";
import type { Clock } from "../runtime/clock.js";
import { withDeadline } from "../runtime/deadline.js";
import type { Logger } from "../runtime/logger.js";

/** What both a catalog and a mirror can be asked. */
export type ReadSource = FileCatalog & NamespaceCatalog & Pick<NodeCatalog, "listNodes">;

/** The moment of which an answer from the mirror is true. */
export interface AsOf {
  readonly number: number;
  readonly time: Date;
  /** How long ago the mirror was last seen to hold all that the catalog had; absent when it was not since the start. */
  readonly ageMs?: number;
}

/** `strong`: what was last acknowledged. `mirror`: what this node's mirror has, which may be a little older. */
export type Consistency = "strong" | "mirror";

export interface ReadAnswer<T> {
  readonly value: T;
  readonly asOf?: AsOf;
}

export interface CatalogReadsOptions {
  readonly catalog: ReadSource & Pick<JournalCatalog, "head">;
  /** Without one, reads fail while the catalog is away. */
  readonly mirror?: MirrorReader;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A catalog answers within milliseconds; one that is only busy deserves more than the patience of a hasty reader. */
const PATIENCE_MS = 3000;
/**
 * A mirror of which this was not seen for so long is not known to be recent: then the catalog is asked after all. It is
 * compared every second.
 */
const MAX_MIRROR_AGE_MS = 10_000;
/** Who asks for the mirror is in a hurry: so long the catalog has when it must be asked. */
const HASTY_PATIENCE_MS = 250;
/** While the catalog is away it is asked this often whether it is back, by one question at a time that may hang. */
const PROBE_MS = 500;
/** A question that hangs when the network comes back must not be the last one. */
const MAX_PROBES = 3;

/** Reads of names: from the catalog, or while that is away from the mirror, and then marked. */
export class CatalogReads {
  readonly #options: CatalogReadsOptions;
  readonly #stopping = new AbortController();
  #isAway = false;
  #isTrusted = true;
  /** Counts the times at which the catalog was found to lack something. */
  #doubts = 0;
  #onChange: () => void = () => {};
  #currentMs: number | undefined;

  constructor(options: CatalogReadsOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether strong reads are answered by the catalog now. */
  get isSure(): boolean {
    return this.#isTrusted && !this.#isAway;
  }

  /** For one listener: told at once when that may have changed. */
  watch(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /**
   * Whether the catalog has everything that this node knows to be committed; until it has, the mirror is asked. And when
   * (by the monotonic clock) the mirror was seen to have everything that the catalog had, if it was.
   */
  setTrusted(isTrusted: boolean, currentMs?: number): void {
    if (!isTrusted) this.#doubts += 1;
    this.#isTrusted = isTrusted;
    this.#currentMs = currentMs ?? this.#currentMs;
    this.#onChange();
  }

  /**
   * For who is about to compare the catalog with what this node knows: answers whom to tell of the outcome, as `setTrusted`. A good
   * one is not believed when the catalog was found to lack something meanwhile: it may be that of the database before.
   */
  beginComparison(): (isTrusted: boolean, currentMs?: number) => void {
    const doubts = this.#doubts;
    return (isTrusted, currentMs) => {
      if (!isTrusted || doubts === this.#doubts) this.setTrusted(isTrusted, currentMs);
    };
  }

  /**
   * What `read` finds in the catalog. When the catalog does not answer, what it finds in the mirror: but what is
   * missing there may be there by now, and so is `unknown_as_of`, never `not_found`.
   *
   * With `mirror` the mirror comes first; the catalog is asked for what is missing there, and for everything when the
   * mirror was not seen to be current in the last 10 s. Either takes 250 ms at most.
   */
  async read<T>(read: (source: ReadSource) => Promise<T>, consistency: Consistency = "strong"): Promise<ReadAnswer<T>> {
    const { catalog, mirror } = this.#options;
    if (mirror === undefined) return { value: await read(catalog) };
    if (this.#isAway || !this.#isTrusted) return this.#readMirror(read, mirror);
    if (consistency === "strong") return this.#readCatalog(read, mirror, PATIENCE_MS);
    try {
      if (this.#isMirrorRecent()) return await this.#readMirror(read, mirror);
    } catch (error) {
      if (!(error instanceof KoboldError) || error.code !== "unknown_as_of") throw error;
    }
    return this.#readCatalog(read, mirror, HASTY_PATIENCE_MS);
  }

  /**
   * What `read` finds in the catalog, for what no mirror knows. Throws `catalog_behind` when the catalog turned out to lack
   * something: then neither what was found nor what was missed is sure.
   */
  async readSurely<T>(read: () => Promise<T>): Promise<T> {
    const [result] = await Promise.allSettled([read()]);
    if (!this.#isTrusted) throw behind();
    if (result.status === "rejected") throw result.reason;
    return result.value;
  }

  /**
   * Does a check that comes before a commit which decides the same again: only a refusal has to be sure. Throws `catalog_behind`
   * in its place when the catalog turned out to lack something.
   */
  async checkSurely<T>(check: () => Promise<T>): Promise<T> {
    try {
      return await check();
    } catch (error) {
      if (this.#isTrusted) throw error;
      throw behind(error);
    }
  }

  /** Ends the questions whether the catalog is back. */
  stop(): void {
    this.#stopping.abort();
  }

  /** What the catalog says, or the mirror when it is not there within the time. */
  async #readCatalog<T>(
    read: (source: ReadSource) => Promise<T>,
    mirror: MirrorReader,
    ms: number,
  ): Promise<ReadAnswer<T>> {
    const { catalog, clock } = this.#options;
    let isLate = false;
    const late = () => {
      isLate = true;
      return new KoboldError("catalog_unavailable", `the catalog did not answer within ${ms} ms`);
    };
    try {
      const value = await withDeadline(read(catalog), { clock, ms, late });
      // It may have been read in a session that was opened meanwhile, with a catalog that lacks something.
      return this.#isTrusted ? { value } : await this.#readMirror(read, mirror);
    } catch (error) {
      if (!(error instanceof KoboldError)) throw error;
      if (error.code !== "catalog_unavailable") {
        if (this.#isTrusted || error.code === "unknown_as_of") throw error;
        return this.#readMirror(read, mirror);
      }
      // To be slower than a hasty reader likes is not to be away.
      if (!isLate || ms === PATIENCE_MS) this.#noteAway(error);
      return this.#readMirror(read, mirror);
    }
  }

  #isMirrorRecent(): boolean {
    const ageMs = this.#mirrorAgeMs();
    return ageMs !== undefined && ageMs <= MAX_MIRROR_AGE_MS;
  }

  #mirrorAgeMs(): number | undefined {
    return this.#currentMs === undefined ? undefined : this.#options.clock.monotonic() - this.#currentMs;
  }

  async #readMirror<T>(read: (source: ReadSource) => Promise<T>, mirror: MirrorReader): Promise<ReadAnswer<T>> {
    const { number, timeMs } = mirror.head();
    const ageMs = this.#mirrorAgeMs();
    try {
      const asOf = { number, time: new Date(timeMs), ...(ageMs !== undefined && { ageMs }) };
      return { value: await read(mirror), asOf };
    } catch (error) {
      const isMissing = error instanceof KoboldError && ["not_found", "namespace_not_found"].includes(error.code);
      if (!isMissing) throw error;
      throw new KoboldError("unknown_as_of", `${error.message} as of entry ${number}`, { cause: error });
    }
  }

  #noteAway(error: KoboldError): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#onChange();
    this.#options.log.warn({ err: error }, "the catalog does not answer; names are read from the mirror meanwhile");
    void this.#probeUntilBack();
  }

  async #probeUntilBack(): Promise<void> {
    const { catalog, clock, log } = this.#options;
    const { signal } = this.#stopping;
    let running = 0;
    while (this.#isAway && !signal.aborted) {
      await clock.sleep(PROBE_MS, signal);
      if (running >= MAX_PROBES || signal.aborted) continue;
      running += 1;
      catalog.head().then(
        () => {
          if (this.#isAway) log.info({}, "the catalog answers again; names are read from it");
          this.#isAway = false;
          this.#onChange();
          running -= 1;
        },
        // Expected: it is away.
        () => {
          running -= 1;
        },
      );
    }
  }
}

function behind(cause?: unknown): KoboldError {
  return new KoboldError("catalog_behind", "the catalog lacks commits that this node knows of", { cause });
}
