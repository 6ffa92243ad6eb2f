import type { NodeId } from "@koboldfs/protocol";
import type { Change } from "../../../model/change.js";
import { type PlainOutcome, parseOutcome } from "../../../model/change-outcome.js";
import type { PlannedPurge } from "../../../model/commit-plan.js";
import type { BlobName, KnownHistory } from "../../../model/commit-view.js";
import type { PlacedProgress } from "../../../model/placed-progress.js";
import type { JournalGroup } from "../../../model/journal-group.js";
import type { TransactionId } from "../../../model/transaction.js";
import type { Logger } from "../../../runtime/logger.js";
import { ThreadCalls } from "../../../runtime/thread/thread-calls.js";
import type { Debt } from "../../catalog.js";
import type { CommittedGroup } from "../../commit-witness.js";
import type { CatalogWriter } from "../catalog-writer.js";
import { toBuffer } from "../column-values.js";
import type { WriterMethod, WriterSettings } from "./writer-methods.js";

interface PlainGroup {
  readonly outcomes: readonly PlainOutcome[];
  readonly group: (Omit<JournalGroup, "bytes"> & { readonly bytes: Uint8Array }) | undefined;
}

/** The near end of the writing thread. */
export class ThreadedSqliteWriter implements CatalogWriter {
  readonly #thread: ThreadCalls;

  constructor(settings: WriterSettings, logger: Logger) {
    const script = new URL("./sqlite-writer-worker.js", import.meta.url);
    const what = "the catalog's writing thread";
    this.#thread = new ThreadCalls({ script, settings, logger, what, deadCode: "catalog_unavailable" });
  }

  /** The cluster's id; rejects with what the catalog was refused for. */
  get ready(): Promise<string> {
    return this.#thread.ready as Promise<string>;
  }

  async #order(method: WriterMethod, ...parameters: readonly unknown[]): Promise<void> {
    await this.#thread.call(method, parameters);
  }

  async commitGroup(changes: readonly Change[], release: () => void, known?: KnownHistory): Promise<CommittedGroup> {
    const plain = (await this.#thread.call("commitGroup", [changes, known], release)) as PlainGroup;
    const outcomes = plain.outcomes.map(parseOutcome);
    // Bytes lose their class on the way.
    return { outcomes, group: plain.group && { ...plain.group, bytes: toBuffer(plain.group.bytes) } };
  }

  completeJournal(groups: readonly JournalGroup[], epoch: number): Promise<boolean> {
    return this.#thread.call("completeJournal", [groups, epoch]) as Promise<boolean>;
  }

  rebuildJournal(groups: readonly JournalGroup[], outcomesSinceMs: number): Promise<boolean> {
    return this.#thread.call("rebuildJournal", [groups, outcomesSinceMs]) as Promise<boolean>;
  }

  indexJournal(): Promise<void> {
    return this.#order("indexJournal");
  }

  raiseEpoch(epoch: number): Promise<void> {
    return this.#order("raiseEpoch", epoch);
  }

  retire(): Promise<void> {
    return this.#order("retire");
  }

  revive(): Promise<void> {
    return this.#order("revive");
  }

  heartbeat(node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<void> {
    return this.#order("heartbeat", node, space);
  }

  setBackfillPosition(node: NodeId, position: number): Promise<void> {
    return this.#order("setBackfillPosition", node, position);
  }

  settleDebts(debts: readonly Debt[]): Promise<void> {
    return this.#order("settleDebts", debts);
  }

  addDebt(debt: Debt): Promise<void> {
    return this.#order("addDebt", debt);
  }

  addDebts(debts: readonly Debt[]): Promise<void> {
    return this.#order("addDebts", debts);
  }

  confirmUnreferenced(blobs: readonly BlobName[]): Promise<BlobName[]> {
    return this.#thread.call("confirmUnreferenced", [blobs]) as Promise<BlobName[]>;
  }

  dropIdleDebts(debts: readonly Debt[]): Promise<number> {
    return this.#thread.call("dropIdleDebts", [debts]) as Promise<number>;
  }

  endPurges(purges: readonly PlannedPurge[]): Promise<void> {
    return this.#order("endPurges", purges);
  }

  pruneVersions(limit: number): Promise<number> {
    return this.#thread.call("pruneVersions", [limit]) as Promise<number>;
  }

  prunePurges(olderThanMs: number): Promise<void> {
    return this.#order("prunePurges", olderThanMs);
  }

  noteWebhookProgress(progress: PlacedProgress): Promise<void> {
    return this.#order("noteWebhookProgress", progress);
  }

  acquireLease(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#thread.call("acquireLease", [name, holder, ttlMs]) as Promise<boolean>;
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return this.#order("releaseLease", name, holder);
  }

  pruneOutcomes(olderThanMs: number, limit: number): Promise<number> {
    return this.#thread.call("pruneOutcomes", [olderThanMs, limit]) as Promise<number>;
  }

  renewTransaction(id: TransactionId): Promise<boolean> {
    return this.#thread.call("renewTransaction", [id]) as Promise<boolean>;
  }

  pruneTransactions(olderThanMs: number, limit: number): Promise<number> {
    return this.#thread.call("pruneTransactions", [olderThanMs, limit]) as Promise<number>;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  terminate(): Promise<void> {
    return this.#thread.terminate();
  }
}
