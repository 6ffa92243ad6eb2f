import type { NodeId } from "@koboldfs/protocol";
import type { PurgeCatalog } from "../catalog/catalog.js";
import { crashPoint } from "../runtime/crash-points.js";
import type { Reaper } from "./reaper.js";
import type { StepResult, Worker } from "./worker.js";

export interface PurgeWorkerOptions {
  readonly catalog: Pick<PurgeCatalog, "listPurges" | "endPurges">;
  readonly reaper: Pick<Reaper, "purge">;
  readonly self: NodeId;
  /**
   * Whether the catalog has all that this node knows. An older copy that came back may still order to purge what was put
   * again since, and may not know that anything refers to it.
   */
  readonly isTrusted: () => Promise<boolean>;
}

/** Blobs unlinked in one step: an unlink and an fsync each. */
const BATCH = 100;

/** Obeys what this node was told to unlink at once; at the start before it serves, later when it is nudged. */
export class PurgeWorker implements Worker {
  readonly name = "purge";
  readonly pollMs = 3_000;
  readonly #options: PurgeWorkerOptions;

  constructor(options: PurgeWorkerOptions) {
    this.#options = options;
  }

  /** The bytes are gone, durably, before it is said so. */
  async step(): Promise<StepResult> {
    const { catalog, isTrusted, reaper, self } = this.#options;
    const orders = await catalog.listPurges(self, BATCH);
    if (orders.length === 0 || !(await isTrusted())) return "idle";
    const obeyed = await reaper.purge(orders);
    await catalog.endPurges(obeyed);
    crashPoint("purge.obeyed");
    // What was placed again meanwhile is looked at after a while: until then nobody can name it.
    return obeyed.length === orders.length ? "busy" : "idle";
  }

  /** Obeys everything that can be obeyed now: for a node that was away, before it serves. */
  async obeyAll(): Promise<void> {
    while ((await this.step()) === "busy");
  }
}
