import type { NodeId } from "@koboldfs/protocol";
import type { NodeRow } from "./commit-view.js";
import { NODE_STATES } from "./node-state.js";

/** Nodes that should hold every new blob. A node that is down counts: it is only seen as down, its entry says alive. */
export function listHolders(nodes: Iterable<NodeRow>): NodeRow[] {
  return [...nodes].filter((node) => NODE_STATES[node.state].owes);
}

/** Whether the node's backfill still has to walk entries that are older than the node. */
export function isBackfilling(node: NodeRow): boolean {
  return node.backfillPosition < node.joinedAt;
}

export function listIds(nodes: readonly NodeRow[]): NodeId[] {
  return nodes.map((node) => node.id);
}
