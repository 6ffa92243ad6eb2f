import type { NodeUpkeep } from "@koboldfs/protocol";
import type { PeerUpkeep } from "./peer-upkeep.js";

/** A node that has nothing to do, for tests. */
export const STILL_UPKEEP: NodeUpkeep = {
  repair: { filesPerSecond: 0, bytesPerSecond: 0 },
  volumes: [],
  scrub: {
    proven: 1,
    findings: { "under-replicated": 0, missing: 0, corrupt: 0, orphaned: 0, misplaced: 0 },
  },
};

/** Says what it is told to say, and remembers what was ordered. */
export class ScriptedUpkeep implements PeerUpkeep {
  answer: NodeUpkeep = STILL_UPKEEP;
  /** Thrown instead. */
  failure: Error | undefined;
  readonly orders: { repairs: boolean }[] = [];

  async getUpkeep(): Promise<NodeUpkeep> {
    if (this.failure !== undefined) throw this.failure;
    return this.answer;
  }

  async orderScrub(order: { repairs: boolean }): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.orders.push(order);
  }
}
