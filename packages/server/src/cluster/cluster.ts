import type { NodeId, NodeStateName } from "@koboldfs/protocol";
import type { BlobStore } from "../blobs/blob-store.js";
import type { NodeRecord } from "../catalog/catalog.js";
import type { PeerMirror } from "../mirror/peer-mirror.js";
import type { PeerUpkeep } from "./peer-upkeep.js";

/** A node as this one sees it now. */
export interface NodeView extends Omit<NodeRecord, "state"> {
  /** What the operator set, or `down` after missed heartbeats. */
  readonly state: NodeStateName;
}

/** Another node that can be asked for something now. */
export interface Peer {
  readonly node: NodeView;
  /** The peer's blobs over the node face. */
  readonly store: BlobStore;
  /** Says that the peer just failed: it is asked last for a while, whatever its heartbeats say. */
  reportFailure(cause: unknown): void;
}

/** Another node whose mirror can be fed and read now. */
export interface MirrorPeer extends Pick<Peer, "node" | "reportFailure"> {
  readonly mirror: PeerMirror;
  /** It failed a moment ago: worth a try when there is no better one, not worth waiting for. */
  readonly failedLately: boolean;
}

/** Another node that can be asked how it keeps what it holds. */
export interface UpkeepPeer extends Pick<Peer, "node"> {
  readonly upkeep: PeerUpkeep;
}

/** Which nodes exist, as of the last heartbeat (about a second old), and the way to each. Never blocks. */
export interface Cluster {
  readonly self: NodeId;
  /** Every node of the cluster, this one included. */
  nodes(): readonly NodeView[];
  /** Peers that may take a put's copy, the best first; peers that failed lately stand last. */
  placementPeers(): readonly Peer[];
  /** Peers that may have blobs to read, the best first. */
  readingPeers(): readonly Peer[];
  /** Peers whose mirrors are to have the journal. */
  mirrorPeers(): readonly MirrorPeer[];
  /** Peers that answer for their own disks. */
  upkeepPeers(): readonly UpkeepPeer[];
  /** Tells these nodes that they owe something. Returns at once; a nudge that is lost costs only a poll interval. */
  nudge(nodes: readonly NodeId[]): void;
}
