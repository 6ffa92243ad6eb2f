import { KoboldError } from "@koboldfs/protocol";
import type { FileCatalog, JournalCatalog, NamespaceCatalog, NodeCatalog } from "../catalog/catalog.js";
import type { MirrorReader } from "../mirror/mirror.js";
import type { Clock } from "../runtime/clock.js";
import { withDeadline } from "../runtime/deadline.js";
import type { Logger } from "../runtime/logger.js";

/** What both a catalog and a mirror can be asked. */
export type ReadSource = FileCatalog & NamespaceCatalog & Pick<NodeCatalog, "listNodes">;

/** The moment of which an answer is true, when the catalog could not be asked. */
export interface AsOf {
  readonly number: number;
  readonly time: Date;
}

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

  constructor(options: CatalogReadsOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether the catalog has everything that this node knows to be committed; until it has, the mirror is asked. */
  setTrusted(isTrusted: boolean): void {
    this.#isTrusted = isTrusted;
  }

  /**
   * What `read` finds in the catalog. When the catalog does not answer, what it finds in the mirror: but what is
   * missing there may be there by now, and so is `unknown_as_of`, never `not_found`.
   */
  async read<T>(read: (source: ReadSource) => Promise<T>): Promise<ReadAnswer<T>> {
    const { catalog, clock, mirror } = this.#options;
    if (mirror === undefined) return { value: await read(catalog) };
    if (this.#isAway || !this.#isTrusted) return this.#readMirror(read, mirror);
    const late = () => new KoboldError("catalog_unavailable", `the catalog did not answer within ${PATIENCE_MS} ms`);
    try {
      return { value: await withDeadline(read(catalog), { clock, ms: PATIENCE_MS, late }) };
    } catch (error) {
      if (!(error instanceof KoboldError) || error.code !== "catalog_unavailable") throw error;
      this.#noteAway(error);
      return this.#readMirror(read, mirror);
    }
  }

  /** Ends the questions whether the catalog is back. */
  stop(): void {
    this.#stopping.abort();
  }

  async #readMirror<T>(read: (source: ReadSource) => Promise<T>, mirror: MirrorReader): Promise<ReadAnswer<T>> {
    const { number, timeMs } = mirror.head();
    try {
      return { value: await read(mirror), asOf: { number, time: new Date(timeMs) } };
    } catch (error) {
      const isMissing = error instanceof KoboldError && ["not_found", "namespace_not_found"].includes(error.code);
      if (!isMissing) throw error;
      throw new KoboldError("unknown_as_of", `${error.message} as of entry ${number}`, { cause: error });
    }
  }

  #noteAway(error: KoboldError): void {
    if (this.#isAway) return;
    this.#isAway = true;
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
