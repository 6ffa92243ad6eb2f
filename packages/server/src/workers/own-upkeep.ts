import type { NodeUpkeep, VolumeInfo } from "@koboldfs/protocol";
import type { PeerUpkeep } from "../cluster/peer-upkeep.js";
import type { PaceMeter } from "./pace-meter.js";
import type { ScrubWorker } from "./scrub-worker.js";

export interface OwnUpkeepOptions {
  /** Debts that were paid. */
  readonly paid: Pick<PaceMeter, "pace">;
  readonly volumes: { describe(): Promise<VolumeInfo[]> };
  readonly scrub: Pick<ScrubWorker, "describe" | "order">;
}

/** What this node says of its own disks. */
export class OwnUpkeep implements PeerUpkeep {
  readonly #options: OwnUpkeepOptions;

  constructor(options: OwnUpkeepOptions) {
    this.#options = options;
  }

  async getUpkeep(): Promise<NodeUpkeep> {
    const { paid, volumes, scrub } = this.#options;
    return { repair: paid.pace(), volumes: await volumes.describe(), scrub: scrub.describe() };
  }

  async orderScrub(order: { readonly repairs: boolean }): Promise<void> {
    this.#options.scrub.order(order);
  }
}
