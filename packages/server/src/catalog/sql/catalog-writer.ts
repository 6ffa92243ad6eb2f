import type { NodeId } from "@koboldfs/protocol";
import type { Debt, LeaseCatalog, MaintenanceCatalog } from "../catalog.js";
import type { CommitGroup } from "../group-committer.js";

/** The writing half of a catalog. On SQLite it lives in a thread of its own: everything in and out is plain data. */
export interface CatalogWriter extends LeaseCatalog, MaintenanceCatalog {
  commitGroup: CommitGroup;
  /** Throws `node_not_found`. */
  heartbeat(node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<void>;
  setBackfillPosition(node: NodeId, position: number): Promise<void>;
  settleDebts(debts: readonly Debt[]): Promise<void>;
  addDebt(debt: Debt): Promise<void>;
  close(): Promise<void>;
}
