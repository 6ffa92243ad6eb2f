import type { NodeId } from "@koboldfs/protocol";
import type { BlobStore } from "../blobs/blob-store.js";
import type { PeerMirror } from "../mirror/peer-mirror.js";
import type { PeerUpkeep } from "./peer-upkeep.js";

/** The way to another node. */
export interface PeerLink {
  /** The node's blobs. */
  readonly store: BlobStore;
  /** The node's mirror of the journal. */
  readonly mirror: PeerMirror;
  /** How the node keeps what it holds. */
  readonly upkeep: PeerUpkeep;
  /** Tells the node that it owes something. Rejects when the node did not take it. */
  nudge(signal: AbortSignal): Promise<void>;
  /** Resolves when the node answers. */
  ping(signal: AbortSignal): Promise<void>;
  /** Ends what runs and releases the connections. */
  close(): Promise<void>;
}

/** Makes the way to a node. Connects on first use, so it neither waits nor fails. */
export type PeerConnector = (node: { readonly id: NodeId; readonly url: string }) => PeerLink;
