import { KoboldError } from "@koboldfs/protocol";
import type { Catalog } from "../catalog/catalog.js";
import { RETIRED_EPOCH, UNFINISHED_EPOCH } from "../model/fence.js";
import type { Clock } from "../runtime/clock.js";
import { crashPoint } from "../runtime/crash-points.js";
import { KEEP_OUTCOMES_MS } from "../workers/prune-worker.js";
import { HistoryRebuild } from "./history-rebuild.js";
import type { RebuildProgress } from "./rebuild.js";

export interface CatalogMoveOptions {
  readonly source: Catalog;
  /** Unfinished, or finished by an earlier run. */
  readonly target: Catalog;
  /** Copies what is not in the journal. */
  readonly copyRest: () => Promise<void>;
  /** The newest epoch of the source, retired or not. */
  readonly findEpoch: () => Promise<number>;
  readonly clock: Clock;
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface MoveReport {
  readonly cluster: string;
  readonly from: string;
  readonly to: string;
  readonly head: number;
  readonly epoch: number;
  readonly names: number;
  readonly bytes: string;
  /** How long writes were refused before the new catalog was ready for them, in milliseconds. */
  readonly stoppedMs: number;
}

/**
 * Writes are refused while this much is copied, so the copy is first brought as near as that; on a cluster that commits
 * faster than it is copied, it is near enough after some rounds.
 */
const NEAR_ENTRIES = 2000;
const MAX_ROUNDS = 20;
/** Every node compares its mirror with the catalog once a second: after this none reads from the old one any more. */
const NOTICE_MS = 3000;

/** Moves a catalog: copies while it is written to, retires it, copies the rest, and lets the new one begin. */
export class CatalogMove {
  readonly #options: CatalogMoveOptions;

  constructor(options: CatalogMoveOptions) {
    this.#options = options;
  }

  async run(): Promise<MoveReport> {
    const { source, target, clock } = this.#options;
    if ((await target.head()).epoch !== UNFINISHED_EPOCH) return this.#confirmDone();
    const isRetired = (await source.head()).epoch === RETIRED_EPOCH;
    if (!isRetired) await this.#copyWhileWritten();
    const epoch = (await this.#options.findEpoch()) + 1;
    const stoppedAt = clock.monotonic();
    await this.#copyRest();
    // If this fails nobody can say whether the new catalog has begun: the old one stays retired, and a new run goes on.
    crashPoint("move.copied");
    await target.raiseEpoch(epoch);
    crashPoint("move.begun");
    return this.#report(clock.monotonic() - stoppedAt);
  }

  async #copyWhileWritten(): Promise<void> {
    const { source, target } = this.#options;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.#copyGroups();
      if ((await source.head()).number - (await target.head()).number <= NEAR_ENTRIES) return;
    }
  }

  /** From the moment that the source is retired; when it fails, the source is written to again. */
  async #copyRest(): Promise<void> {
    const { source, target, clock, copyRest, signal } = this.#options;
    const noticedMs = clock.monotonic() + NOTICE_MS;
    await source.retire();
    crashPoint("move.retired");
    try {
      await this.#copyGroups();
      const [from, to] = [await source.head(), await target.head()];
      if (from.number !== to.number || from.hash !== to.hash) {
        throw new KoboldError("rebuild_refused", `the copy ends with ${to.number}, the catalog with ${from.number}`);
      }
      await copyRest();
      await clock.sleep(Math.max(0, noticedMs - clock.monotonic()), signal);
      signal?.throwIfAborted();
    } catch (error) {
      await source.revive();
      throw error;
    }
  }

  async #copyGroups(): Promise<void> {
    const { source, target, clock, onProgress, signal } = this.#options;
    const mirror = {
      head: async () => ({ ...(await source.head()), timeMs: 0 }),
      listGroups: (after: number, limit: number) => source.listGroups(after, limit),
      findGroupHash: (number: number) => source.findGroupHash(number),
    };
    const history = new HistoryRebuild({
      catalog: target,
      sources: [{ name: source.engine, mirror, listBranches: async () => [] }],
      outcomesSinceMs: clock.now() - KEEP_OUTCOMES_MS,
      onProgress: (done, of) => onProgress?.({ step: "journal", done, of }),
      signal,
    });
    await history.copyGroups();
    const [broken] = history.listSources().filter(({ brokenAt }) => brokenAt !== undefined);
    if (broken === undefined) return;
    throw new KoboldError(
      "rebuild_refused",
      `the catalog's journal is damaged at ${broken.brokenAt}: ${broken.reason}`,
    );
  }

  /** An earlier run ended, or died right before it could say so. */
  async #confirmDone(): Promise<MoveReport> {
    const { source, target } = this.#options;
    const { number, hash } = await source.head();
    if (number === 0 || (await target.findGroupHash(number)) === hash) return this.#report(0);
    throw new KoboldError("catalog_retired", "the catalog was moved already, and not to this database");
  }

  async #report(stoppedMs: number): Promise<MoveReport> {
    const { source, target } = this.#options;
    const [head, namespaces] = [await target.head(), await target.listNamespaces()];
    return {
      ...{ cluster: target.clusterId, from: source.engine, to: target.engine, head: head.number, epoch: head.epoch },
      names: namespaces.reduce((sum, { files }) => sum + files, 0),
      bytes: String(namespaces.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n)),
      stoppedMs: Math.round(stoppedMs),
    };
  }
}
