import type { NodeStateName } from "@koboldfs/protocol";

/** What a node in a state may do. The one place that says so: ask this table, never compare state names. */
export interface NodePermissions {
  /** May take new blobs as one of a put's acknowledged copies. */
  readonly takesPuts: boolean;
  /** May be asked for blobs. */
  readonly serves: boolean;
  /** Owes every new blob that was not placed on it; counts in `wanted`. */
  readonly owes: boolean;
  /** May send heartbeats and come back as `alive`. */
  readonly mayReturn: boolean;
}

export const NODE_STATES: Readonly<Record<NodeStateName, NodePermissions>> = {
  alive: { takesPuts: true, serves: true, owes: true, mayReturn: true },
  readonly: { takesPuts: false, serves: true, owes: true, mayReturn: true },
  draining: { takesPuts: false, serves: true, owes: false, mayReturn: true },
  // Missed heartbeats. What is put meanwhile becomes its debt, worked off when it returns.
  down: { takesPuts: false, serves: false, owes: true, mayReturn: true },
  dead: { takesPuts: false, serves: false, owes: false, mayReturn: false },
};
