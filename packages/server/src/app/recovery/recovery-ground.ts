import type { NodeInventory } from "../../recovery/copy-check.js";
import type { HistorySource } from "../../recovery/history-source.js";

/** What a catalog can be made from, and what must be closed afterwards. */
export interface RecoveryGround {
  readonly clusterId: string;
  readonly sources: readonly HistorySource[];
  readonly inventories: readonly NodeInventory[];
  /** What could not be used, and why. */
  readonly unusable: readonly UnusableSource[];
  close(): Promise<void>;
}

export interface UnusableSource {
  readonly name: string;
  readonly reason: string;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
