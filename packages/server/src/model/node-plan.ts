import type { NodeId } from "@koboldfs/protocol";
import type { NodeRow } from "./commit-view.js";
import { isBackfilling, listHolders } from "./owing-nodes.js";

/** Who holds the files of a cluster when one node is left out of the count. */
export interface OtherHolders {
  /** Nodes that should hold every file. */
  readonly holders: readonly NodeRow[];
  /** Those that have what they do not owe. */
  readonly complete: readonly NodeRow[];
  /** Those that are backfilled still: what they lack is written down nowhere. */
  readonly filling: readonly NodeRow[];
}

/** A node that is being drained itself is none of them: it has no debts for what was put since. */
export function listOtherHolders(nodes: Iterable<NodeRow>, node: NodeId): OtherHolders {
  const holders = listHolders(nodes).filter(({ id }) => id !== node);
  return {
    holders,
    complete: holders.filter((holder) => !isBackfilling(holder)),
    filling: holders.filter(isBackfilling),
  };
}

/** Nobody owes a blob that the node has, and there is somebody to owe it. */
export function isDispensable({ holders, filling }: OtherHolders, owedFiles: number): boolean {
  return holders.length > 0 && filling.length === 0 && owedFiles === 0;
}
