import type { BlobRef } from "./blob-store.js";

export interface BlobListing {
  /** By digest, and by namespace where one digest is in several. */
  readonly blobs: readonly BlobRef[];
  /** The `after` of the next page; undefined on the last. */
  readonly next?: string;
}

/** What lies in a store, whatever a catalog says. Names only: that the bytes are right is another question. */
export interface BlobLister {
  /**
   * Blobs whose digests begin above the four hex digits `after` (empty: from the beginning), a whole folder shard at a
   * time, until there are `atLeast` or no more. Throws `disk_failed`, `peer_failed`: a folder that cannot be read is no
   * empty folder.
   */
  listBlobs(after: string, atLeast: number, signal?: AbortSignal): Promise<BlobListing>;
}

/** Everything that a store lists, in its order. */
export async function* walkListing(lister: BlobLister, atLeast: number): AsyncGenerator<BlobRef> {
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: BlobListing = await lister.listBlobs(after, atLeast);
    yield* page.blobs;
    after = page.next;
  }
}
