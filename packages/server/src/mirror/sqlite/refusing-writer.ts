import { KoboldError } from "@koboldfs/protocol";
import type { CatalogWriter } from "../../catalog/sql/catalog-writer.js";

function refuse(): Promise<never> {
  return Promise.reject(new KoboldError("internal", "a mirror is read as a catalog is, and never written as one"));
}

/** A mirror decides nothing: it is only read through the eyes of a catalog. */
export const refusingWriter: CatalogWriter = {
  commitGroup: refuse,
  completeJournal: refuse,
  rebuildJournal: refuse,
  indexJournal: refuse,
  raiseEpoch: refuse,
  retire: refuse,
  revive: refuse,
  heartbeat: refuse,
  setBackfillPosition: refuse,
  settleDebts: refuse,
  addDebt: refuse,
  addDebts: refuse,
  confirmUnreferenced: refuse,
  dropIdleDebts: refuse,
  endPurges: refuse,
  noteWebhookProgress: refuse,
  pruneVersions: refuse,
  prunePurges: refuse,
  acquireLease: refuse,
  releaseLease: refuse,
  pruneOutcomes: refuse,
  renewTransaction: refuse,
  pruneTransactions: refuse,
  close: async () => {},
};
