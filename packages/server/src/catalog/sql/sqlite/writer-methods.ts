import type { CatalogWriter } from "../catalog-writer.js";

export interface WriterSettings {
  readonly path: string;
  readonly allowUnsafe: boolean;
  /** The id of a cluster whose catalog is made again. */
  readonly clusterId?: string;
}

/** What the writing thread of a SQLite catalog does besides committing and closing: plain values in and out. */
export type WriterMethod = Exclude<keyof CatalogWriter, "commitGroup" | "close">;

/** An object, so that the compiler notices a method that is missing here. */
const METHODS: Readonly<Record<WriterMethod, true>> = {
  completeJournal: true,
  rebuildJournal: true,
  indexJournal: true,
  raiseEpoch: true,
  retire: true,
  revive: true,
  heartbeat: true,
  setBackfillPosition: true,
  settleDebts: true,
  addDebt: true,
  addDebts: true,
  confirmUnreferenced: true,
  dropIdleDebts: true,
  endPurges: true,
  noteWebhookProgress: true,
  pruneVersions: true,
  prunePurges: true,
  acquireLease: true,
  releaseLease: true,
  pruneOutcomes: true,
  renewTransaction: true,
  pruneTransactions: true,
};

export const WRITER_METHODS = Object.keys(METHODS) as readonly WriterMethod[];
