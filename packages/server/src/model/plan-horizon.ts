import type { NamespaceName } from "@koboldfs/protocol";
import type { NamespaceRow } from "./commit-view.js";
import type { TransactionRow } from "./transaction.js";

/** Long enough to notice on Monday morning what went wrong on Sunday night, short enough to give the room back soon. */
const DEFAULT_RETENTION_MS = 24 * 60 * 60_000;

/** How far back a namespace can be read, and how far it shall be. */
export interface NamespaceHorizon {
  readonly namespace: NamespaceName;
  /** The number of the entry that made the namespace, until it moves. */
  readonly horizon: number;
  readonly createdMs: number;
  readonly retentionMs: number;
}

export function toNamespaceHorizon({ name, horizon, createdMs, policy }: NamespaceRow): NamespaceHorizon {
  return { namespace: name, horizon, createdMs, retentionMs: policy.retentionMs ?? DEFAULT_RETENTION_MS };
}

/** What decides how much of a namespace's history is kept. */
export interface HorizonQuestion {
  /** Where the horizon is. */
  readonly current: number;
  /** The last journal number that is older than the retention. */
  readonly retained: number;
  /**
   * Journal numbers whose history something still needs: what was superseded above the lowest of them is kept. Webhooks
   * that are late hold it back for a while, prepared transactions until they end (`listHorizonHolds`).
   */
  readonly holds: readonly number[];
}

/**
 * What a namespace was when a transaction that changes it was prepared stays readable until that ends: who has to decide
 * over it later can see what it was decided on. Pure.
 */
export function listHorizonHolds(namespace: NamespaceName, transactions: readonly TransactionRow[]): number[] {
  return transactions.flatMap(({ state, number, usage }) => {
    const isHolding = state === "prepared" && number !== undefined && Object.hasOwn(usage, namespace);
    return isHolding ? [number - 1] : [];
  });
}

/** Where the horizon shall move; undefined when it stays. It never moves back. */
export function planHorizon({ current, retained, holds }: HorizonQuestion): number | undefined {
  const target = Math.min(retained, ...holds);
  return target > current ? target : undefined;
}
