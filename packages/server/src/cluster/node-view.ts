import type { NodeId } from "@koboldfs/protocol";
import type { NodeRecord } from "../catalog/catalog.js";
import type { NodeView } from "./cluster.js";

/**
 * A node that missed this many heartbeats counts as down. Fewer would take a long garbage collection or a slow commit
 * for a death; more would send puts to a dead machine for longer, each of which waits for a time-out.
 */
export const MISSED_HEARTBEATS = 5;

export interface ViewContext {
  readonly self: NodeId;
  readonly intervalMs: number;
  /** What was seen before: the states of then. */
  readonly previous: readonly NodeView[];
  /** How long this node has reached the catalog without a gap. */
  readonly steadyForMs: number;
}

/** What the catalog's records mean to this node now. */
export function viewNodes(records: readonly NodeRecord[], context: ViewContext): NodeView[] {
  return records.map((record) => ({ ...record, state: isDown(record, context) ? "down" : record.state }));
}

/**
 * A node that was seen alive before the catalog went away gets the time to be heard again after it came back: while
 * nobody could write a heartbeat, their absence says nothing.
 */
function isDown(record: NodeRecord, { self, intervalMs, previous, steadyForMs }: ViewContext): boolean {
  const boundMs = MISSED_HEARTBEATS * intervalMs;
  if (record.state === "dead" || record.id === self || record.heartbeatAgeMs <= boundMs) return false;
  const before = previous.find(({ id }) => id === record.id)?.state;
  return before === undefined || before === "down" || steadyForMs > boundMs;
}
