import { KoboldError, type NamespaceName, type NodeId } from "@koboldfs/protocol";
import type { BlobWriteOptions, PlacedBlob } from "../blobs/blob-store.js";
import type { Peer } from "../cluster/cluster.js";
import type { Clock } from "../runtime/clock.js";
import { withDeadline } from "../runtime/deadline.js";

/** One node's share of a put. Same life as a `BlobWrite`. */
export interface Placement {
  readonly node: NodeId;
  write(chunk: Uint8Array): Promise<void>;
  finish(sizeBytes: number): Promise<PlacedBlob>;
  abort(): Promise<void>;
}

/**
 * A healthy peer takes a chunk in milliseconds and answers a busy disk's fsync in less than a second; a client that
 * waits longer than a few seconds gives up. Two seconds tell a slow peer from a stuck one well enough: who is dropped
 * in error is repaired within seconds.
 */
export const PEER_PROGRESS_MS = 2000;

/** What a peer may still have to flush when the body ends; a slow disk writes at least this many bytes a millisecond. */
const FLUSH_BYTES_PER_MS = 16 * 1024;

/** Begins a blob on a peer. Every step rejects with `peer_failed` when the peer makes no progress. */
export async function openPeerPlacement(options: PeerPlacementOptions): Promise<Placement> {
  const { peer, namespace, announced, clock } = options;
  const late = () => new KoboldError("peer_failed", `node ${peer.node.name} made no progress`);
  const limit = (ms: number) => ({ clock, ms, late });
  const opening = peer.store.create(namespace, announced);
  const write = await withDeadline(opening, limit(PEER_PROGRESS_MS)).catch((cause: unknown) => {
    // A write that is opened after nobody waits for it any more ends at once.
    opening.then((opened) => opened.abort(), ignore);
    throw cause;
  });
  return {
    node: peer.node.id,
    write: (chunk) => withDeadline(write.write(chunk), limit(PEER_PROGRESS_MS)),
    finish: (sizeBytes) => withDeadline(write.finish(), limit(flushMs(sizeBytes))),
    abort: () => write.abort(),
  };
}

const ignore = () => {};

function flushMs(sizeBytes: number): number {
  return PEER_PROGRESS_MS + Math.floor(sizeBytes / FLUSH_BYTES_PER_MS);
}

export interface PeerPlacementOptions {
  readonly peer: Peer;
  readonly namespace: NamespaceName;
  readonly announced: BlobWriteOptions;
  readonly clock: Clock;
}
