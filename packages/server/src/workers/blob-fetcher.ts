import { KoboldError } from "@koboldfs/protocol";
import type { BlobStore } from "../blobs/blob-store.js";
import type { Cluster, Peer } from "../cluster/cluster.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import { BlobTransfer, type WantedBlob } from "./blob-transfer.js";
import type { PeerBudget } from "./peer-budget.js";

/**
 * `here`: it was here already, whole and good. `fetched`: it is here now. `absent`: no node that answered has good bytes
 * of it. `unreachable`: nodes that may have it did not answer, or there are none.
 */
export type FetchOutcome = "here" | "fetched" | "absent" | "unreachable";

export interface BlobFetcherOptions {
  readonly local: BlobStore;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of a blob before it is looked for here: from then on nobody else may remove it. */
  readonly rely?: (blob: WantedBlob) => Promise<void>;
  /** What may be taken from each peer; everything without one. */
  readonly budget?: PeerBudget;
  /** Bytes asked for in one request; for tests. */
  readonly pieceBytes?: number;
}

/** Blobs up to this size come in one request; longer ones in pieces of it, so that no request runs for minutes. */
const PIECE_BYTES = 8 * 1024 * 1024;
/** How long the rest of a half transferred blob is waited for: longer than a peer's restart takes. */
const PATIENCE_MS = 30_000;
const PAUSE_BETWEEN_ROUNDS_MS = 500;

/** Whom to ask now, the best first. */
type PeerSource = () => readonly Peer[];

/** Brings blobs from peers to this node's own volumes. */
export class BlobFetcher {
  readonly #options: BlobFetcherOptions;
  readonly #pieceBytes: number;

  constructor(options: BlobFetcherOptions) {
    this.#options = options;
    this.#pieceBytes = options.pieceBytes ?? PIECE_BYTES;
  }

  /**
   * Makes sure that the blob is here, good and durable. What is here already is read and checked, never just trusted.
   * Rejects when this node's own volumes fail (`disk_full`, `disk_failed`) or the signal fires.
   */
  async fetch(blob: WantedBlob, signal: AbortSignal): Promise<FetchOutcome> {
    await this.#options.rely?.(blob);
    if (await this.#isGoodHere(blob, signal)) return "here";
    // Asked anew in each round: a node that was away may be back, under another address.
    const peers = () => this.#options.cluster.readingPeers();
    const outcome = await this.#transfer(blob, peers, signal);
    return outcome === "mixed" ? this.#transferFromOne(blob, peers(), signal) : outcome;
  }

  async #isGoodHere(blob: WantedBlob, signal: AbortSignal): Promise<boolean> {
    const { local, log } = this.#options;
    try {
      // Also when it cannot be looked at: one failed disk among several must not keep the others from taking it.
      if ((await local.stat(blob, signal)) === undefined) return false;
      const opened = await local.open(blob, undefined, signal);
      if (opened === undefined) return false;
      if (!Buffer.isBuffer(opened.content)) await drain(opened.content);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, blob }, "a stored blob is bad; good bytes are fetched to replace it");
      return false;
    }
  }

  /** After what came was not the blob: whose bytes were bad is not known, or others were not asked; so each is asked for all. */
  async #transferFromOne(blob: WantedBlob, peers: readonly Peer[], signal: AbortSignal): Promise<FetchOutcome> {
    let outcome: FetchOutcome = "absent";
    for (const peer of peers) {
      const one = await this.#transfer(blob, () => [peer], signal);
      if (one === "fetched") return one;
      if (one === "unreachable") outcome = one;
    }
    return outcome;
  }

  /** `mixed`: the bytes arrived and are not those of the digest, and there is more than one peer. */
  async #transfer(blob: WantedBlob, peers: PeerSource, signal: AbortSignal): Promise<FetchOutcome | "mixed"> {
    const { local, budget } = this.#options;
    const transfer = new BlobTransfer(blob, { local, budget, pieceBytes: this.#pieceBytes });
    try {
      await this.#askInRounds(transfer, peers, signal);
      if (transfer.complete) {
        await transfer.finish(signal);
        return "fetched";
      }
      await transfer.abort();
      return transfer.someFailed || peers().length === 0 ? "unreachable" : "absent";
    } catch (error) {
      await transfer.abort();
      if (!(error instanceof KoboldError) || error.code !== "digest_mismatch") throw error;
      this.#options.log.warn({ blob, peers: transfer.sources.size }, "what peers sent is not the blob");
      return peers().length > 1 ? "mixed" : "absent";
    }
  }

  /** What is less than one piece is not worth waiting for. */
  async #askInRounds(transfer: BlobTransfer, peers: PeerSource, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let progressMs = clock.monotonic();
    while (clock.monotonic() - progressMs < PATIENCE_MS) {
      const before = transfer.offset;
      for (const peer of peers()) {
        if (!transfer.complete) await transfer.askFor(peer, signal);
      }
      if (transfer.complete || transfer.offset < this.#pieceBytes) return;
      if (transfer.offset > before) progressMs = clock.monotonic();
      await clock.sleep(PAUSE_BETWEEN_ROUNDS_MS, signal);
      signal.throwIfAborted();
    }
  }
}

async function drain(content: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of content);
}
