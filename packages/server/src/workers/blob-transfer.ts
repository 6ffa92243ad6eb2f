import { KoboldError, type NodeId } from "@koboldfs/protocol";
import type { BlobRef, BlobStore, BlobWrite } from "../blobs/blob-store.js";
import type { Peer } from "../cluster/cluster.js";
import type { PeerBudget } from "./peer-budget.js";

/** A blob to be had, and how long it is. */
export interface WantedBlob extends BlobRef {
  readonly sizeBytes: number;
}

export interface BlobTransferOptions {
  readonly local: BlobStore;
  /** Bytes asked for in one request. */
  readonly pieceBytes: number;
  /** What may be taken from each peer; everything without one. */
  readonly budget?: PeerBudget | undefined;
}

/** One blob on its way in; what one peer began another can go on with. Ends with exactly one of `finish` and `abort`. */
export class BlobTransfer {
  readonly #blob: WantedBlob;
  readonly #local: BlobStore;
  readonly #pieceBytes: number;
  readonly #budget: PeerBudget | undefined;
  /** Nodes that gave bytes. */
  readonly sources = new Set<NodeId>();
  /** Bytes that arrived so far. */
  offset = 0;
  /** Whether a peer that may have the blob could not give it. */
  someFailed = false;
  #write: BlobWrite | undefined;
  #someHaveIt = false;

  constructor(blob: WantedBlob, options: BlobTransferOptions) {
    this.#blob = blob;
    this.#local = options.local;
    this.#pieceBytes = options.pieceBytes;
    this.#budget = options.budget;
  }

  /** All bytes arrived; an empty blob has arrived when a peer said that it has it. */
  get complete(): boolean {
    return this.offset === this.#blob.sizeBytes && this.#someHaveIt;
  }

  /** Takes from the peer what it gives, from the present offset on. Rejects only when the own volume fails or the signal fires. */
  async askFor(peer: Peer, signal: AbortSignal): Promise<void> {
    const budget = this.#budget;
    if (budget === undefined) return this.#askFor(peer, signal);
    const ask = async () => {
      if (budget.isResting(peer.node.id)) this.someFailed = true;
      else await this.#askFor(peer, signal);
    };
    // Who has failed is not waited for, and who fails while others wait for it is not asked by each of them.
    await (budget.isResting(peer.node.id) ? ask() : budget.run(peer.node.id, ask));
  }

  async #askFor(peer: Peer, signal: AbortSignal): Promise<void> {
    const chunks = this.#read(peer, signal);
    try {
      for (let chunk = await this.#next(peer, chunks, signal); chunk !== undefined; ) {
        const write = await this.#openWrite(signal);
        await write.write(chunk);
        this.sources.add(peer.node.id);
        this.offset += chunk.length;
        await this.#budget?.took(peer.node.id, chunk.length, signal);
        chunk = await this.#next(peer, chunks, signal);
      }
    } finally {
      await chunks.return(undefined);
    }
  }

  /** Rejects with `digest_mismatch` when the bytes are not the blob. */
  async finish(signal: AbortSignal): Promise<void> {
    const write = await this.#openWrite(signal);
    await write.finish();
  }

  async abort(): Promise<void> {
    await this.#write?.abort();
  }

  async #openWrite(signal: AbortSignal): Promise<BlobWrite> {
    const { namespace, digest, sizeBytes } = this.#blob;
    this.#write ??= await this.#local.create(namespace, { digest, sizeBytes }, signal);
    return this.#write;
  }

  async #next(peer: Peer, chunks: AsyncGenerator<Uint8Array>, signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const next = await chunks.next();
      return next.done === true ? undefined : next.value;
    } catch (error) {
      signal.throwIfAborted();
      // A peer with bad bytes of one blob is healthy otherwise.
      if (!isOfBlob(error)) {
        this.someFailed = true;
        this.#budget?.failed(peer.node.id);
        peer.reportFailure(error);
      }
      return undefined;
    }
  }

  async *#read(peer: Peer, signal: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
    const { sizeBytes } = this.#blob;
    while (!this.complete) {
      const end = Math.min(this.offset + this.#pieceBytes, sizeBytes);
      // As a range, whatever its length: nobody hashes it on the way, since the own store does so at its end.
      const range = sizeBytes === 0 ? undefined : { start: this.offset, end };
      const opened = await peer.store.open(this.#blob, range, signal);
      if (opened === undefined) return undefined;
      this.#someHaveIt = true;
      this.#budget?.sawSender(peer.node.id, opened.senderServes ?? 0);
      if (Buffer.isBuffer(opened.content)) yield this.#checked(opened.content, end);
      else for await (const chunk of opened.content) yield this.#checked(chunk as Buffer, end);
      if (this.offset < end) throw new KoboldError("peer_failed", "a node sent fewer bytes than it was asked for");
    }
    return undefined;
  }

  #checked(chunk: Uint8Array, end: number): Uint8Array {
    if (this.offset + chunk.length <= end) return chunk;
    throw new KoboldError("blob_corrupt", "a node has more bytes than the blob should have");
  }
}

/** Its bytes are bad, or fewer than they should be. */
function isOfBlob(error: unknown): boolean {
  return error instanceof KoboldError && ["blob_corrupt", "range_not_satisfiable"].includes(error.code);
}
