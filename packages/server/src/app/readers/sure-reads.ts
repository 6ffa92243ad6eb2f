import { type FileKey, KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type { HeldFile } from "../../catalog/catalog.js";
import { type FileReads, openFileReads } from "../../catalog/sql/open-file-reads.js";
import type { KnownHistory } from "../../model/commit-view.js";
import type { Clock } from "../../runtime/clock.js";
import { withDeadline } from "../../runtime/deadline.js";
import type { Logger } from "../../runtime/logger.js";

export interface SureReadsOptions {
  readonly dsn: string;
  readonly clock: Clock;
  /** What the node knows to be committed. */
  readonly askKnown: () => Promise<KnownHistory | undefined>;
  readonly log: Logger;
}

/** A catalog that takes longer than this is the node process's affair: it has more patience, and a mirror. */
const PATIENCE_MS = 250;
/** After a failure nobody is made to wait for the next one. */
const PAUSE_MS = 500;

/**
 * Strong reads of a reader process. It promises what the node process does: no answer from a database that lacks what the node
 * knows to be committed. So every session is compared before it is used, one that lacks something is never used, and while the
 * node process does not trust the catalog, nothing is read at all; what was being read then is not believed either.
 */
export class SureReads {
  readonly #options: SureReadsOptions;
  #reads: Promise<FileReads>;
  #isSure = false;
  /** Counts the times at which it ceased to be sure. */
  #doubts = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: SureReadsOptions) {
    this.#options = options;
    this.#reads = this.#open();
  }

  /** Whether the node process has its strong reads from the catalog. */
  setSure(isSure: boolean): void {
    if (this.#isSure && !isSure) {
      this.#doubts += 1;
      // Sessions of the time before are none that were compared with what is known now.
      const former = this.#reads;
      this.#reads = this.#open();
      former
        .then((reads) => reads.close())
        .catch((err: unknown) => this.#options.log.debug({ err }, "sessions could not be closed"));
    }
    this.#isSure = isSure;
  }

  /** Undefined when there is none, or when that is not certain. Never rejects. */
  async findFile(namespace: NamespaceName, key: FileKey): Promise<HeldFile | undefined> {
    const { clock, log } = this.#options;
    if (!this.#isSure || clock.monotonic() < this.#pausedUntilMs) return undefined;
    const doubts = this.#doubts;
    try {
      const file = await withDeadline(this.#find(namespace, key), { clock, ms: PATIENCE_MS, late });
      return this.#isSure && doubts === this.#doubts ? file : undefined;
    } catch (err) {
      log.debug({ err }, "the catalog did not answer; reads are handed on");
      this.#pausedUntilMs = clock.monotonic() + PAUSE_MS;
      return undefined;
    }
  }

  async close(): Promise<void> {
    await (await this.#reads).close();
  }

  async #find(namespace: NamespaceName, key: FileKey): Promise<HeldFile | undefined> {
    return (await this.#reads).findFile(namespace, key);
  }

  #open(): Promise<FileReads> {
    const { askKnown, clock, dsn } = this.#options;
    return openFileReads({ dsn, clock, keeper: { known: askKnown, noteDoubt: refuse } });
  }
}

function late(): KoboldError {
  return new KoboldError("catalog_unavailable", `the catalog did not answer within ${PATIENCE_MS} ms`);
}

/** Thrown while a session is opened, so that it is closed again. */
function refuse(): never {
  throw new KoboldError("catalog_behind", "the catalog lacks commits that this node knows of");
}
