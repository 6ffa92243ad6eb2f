import { KoboldError } from "@koboldfs/protocol";
import type { Catalog } from "../catalog/catalog.js";
import { redactDsn } from "../config/node-config.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";

/**
 * How long a starting node waits for its database. After a power cut both start together, and PostgreSQL may replay its
 * log for a while; but a wrong dsn must be told to the operator who is still looking.
 */
export const CATALOG_PATIENCE_MS = 60_000;
const PAUSE_MS = 1_000;

export interface PatientOpenOptions {
  readonly open: () => Promise<Catalog>;
  readonly dsn: string;
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Opens the catalog, trying again while it does not answer. Throws what the last try threw. */
export async function openCatalogPatiently(options: PatientOpenOptions): Promise<Catalog> {
  const { open, patienceMs, clock, log, signal } = options;
  const startedMs = clock.monotonic();
  for (let told = false; ; told = true) {
    signal.throwIfAborted();
    try {
      return await open();
    } catch (error) {
      const unavailable = error instanceof KoboldError && error.code === "catalog_unavailable";
      if (!unavailable || clock.monotonic() - startedMs >= patienceMs) throw error;
      const fields = { err: error, dsn: redactDsn(options.dsn), patienceMs };
      if (!told) log.warn(fields, "the catalog does not answer; trying again for a while");
      await clock.sleep(PAUSE_MS, signal);
    }
  }
}
