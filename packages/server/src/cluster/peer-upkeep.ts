import type { NodeUpkeep } from "@koboldfs/protocol";

/** What a node says and does about its own disks; the node itself and the way to a peer answer it alike. */
export interface PeerUpkeep {
  /** How its repair and its scrub go, and what state its volumes are in. A peer throws `peer_failed`, `peer_refused`. */
  getUpkeep(signal?: AbortSignal): Promise<NodeUpkeep>;
  /** Has it read everything that it holds again; resolves when it has begun. */
  orderScrub(order: { readonly repairs: boolean }, signal?: AbortSignal): Promise<void>;
}
