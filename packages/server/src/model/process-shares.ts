/** What a node may use in all, whatever the number of its processes. */
export interface NodeBounds {
  /** Requests of clients that run at once. */
  readonly running: number;
  /** Small blobs that are kept in memory. */
  readonly cacheBytes: number;
  /** Pieces of long blobs that are lent at once, for each volume. */
  readonly pieces: number;
}

/** The parts of the processes; together they are no more than the whole. */
export interface ProcessShares {
  readonly node: NodeBounds;
  /** Of each reader process. */
  readonly reader: NodeBounds;
}

/**
 * Divides a node's bounds among its processes. Reads come to all alike, so all get the same room for bytes; of the running
 * requests the node process keeps half, since all but reads run there, and what a reader has no room for it hands on.
 */
export function shareOut(bounds: NodeBounds, processes: number): ProcessShares {
  if (processes === 1) return { node: bounds, reader: { running: 0, cacheBytes: 0, pieces: 0 } };
  const readers = processes - 1;
  const running = Math.floor(bounds.running / 2 / readers);
  const cacheBytes = Math.floor(bounds.cacheBytes / processes);
  const pieces = Math.floor(bounds.pieces / processes);
  return {
    node: { running: bounds.running - running * readers, cacheBytes, pieces },
    reader: { running, cacheBytes, pieces },
  };
}
