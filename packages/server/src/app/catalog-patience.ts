import { type ErrorCode, KoboldError } from "@koboldfs/protocol";
import { redactDsn } from "../config/node-config.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";

/**
 * How long a starting node waits for its database. After a power cut both start together, and PostgreSQL may replay its
 * log for a while; but a wrong dsn must be told to the operator who is still looking.
 */
export const CATALOG_PATIENCE_MS = 60_000;
const PAUSE_MS = 1_000;
/** The second one: others work with it, and one node's SQLite may be locked for long where the disk is slow. */
const PASSING_FAILURES: readonly ErrorCode[] = ["catalog_unavailable", "commit_contended"];

export interface CatalogPatienceOptions {
  readonly dsn: string;
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Does what a starting node needs its catalog for, again and again while that does not answer or is too busy. Throws what the
 * last try threw.
 */
export async function tryPatiently<Result>(
  work: () => Promise<Result>,
  { patienceMs, dsn, clock, log, signal }: CatalogPatienceOptions,
): Promise<Result> {
  const startedMs = clock.monotonic();
  for (let told = false; ; told = true) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof KoboldError && PASSING_FAILURES.includes(error.code);
      if (!mayPass || clock.monotonic() - startedMs >= patienceMs) throw error;
      const fields = { err: error, dsn: redactDsn(dsn), patienceMs };
      if (!told) log.warn(fields, "the catalog does not answer or is busy; trying again for a while");
      await clock.sleep(PAUSE_MS, signal);
    }
  }
}
