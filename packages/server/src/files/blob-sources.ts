import { KoboldError } from "@koboldfs/protocol";
import type { ByteRange, OpenBlob } from "../blobs/blob-store.js";
import type { Peer } from "../cluster/cluster.js";
import type { FileRecord } from "../model/change.js";
import type { Clock } from "../runtime/clock.js";
import { withDeadline } from "../runtime/deadline.js";
import type { FileContext } from "./file-context.js";
import type { MissingBlobs } from "./missing-blobs.js";

/** Somewhere the blob may be: this node, or a peer. */
interface BlobSource {
  open(range: ByteRange | undefined): Promise<OpenBlob | undefined>;
  failed(cause: unknown): void;
}

/** Longer than a put waits for a peer: the peer may be the only one that has the bytes. */
const PEER_ANSWER_MS = 5000;

export interface BlobSourcesOptions {
  readonly context: FileContext;
  readonly missing: Pick<MissingBlobs, "report">;
  readonly file: FileRecord;
}

/** Where one file's bytes can be had, each place tried once: this node first, then the peers, the best first. */
export class BlobSources {
  readonly #options: BlobSourcesOptions;
  #peers: BlobSource[] | undefined;
  #current: BlobSource | undefined;
  #lastCause: unknown;

  constructor(options: BlobSourcesOptions) {
    this.#options = options;
  }

  /** Opens the blob at the next place that has it. Throws `blob_unavailable` when no place is left. */
  async openNext(range: ByteRange | undefined): Promise<OpenBlob> {
    const { file } = this.#options;
    for (let source = this.#next(); source !== undefined; source = this.#next()) {
      try {
        const blob = await source.open(range);
        if (blob?.sizeBytes === file.sizeBytes) return blob;
        if (blob !== undefined && !Buffer.isBuffer(blob.content)) blob.content.destroy();
        this.fail(blob && new KoboldError("blob_corrupt", `it has ${blob.sizeBytes} bytes, not ${file.sizeBytes}`));
      } catch (cause) {
        this.fail(cause);
      }
    }
    throw new KoboldError("blob_unavailable", `no node that can be reached has ${file.key}`, {
      cause: this.#lastCause,
    });
  }

  /** Says that what the place opened last turned out bad, or (without a cause) that it does not have the blob. */
  fail(cause: unknown): void {
    this.#lastCause = cause ?? this.#lastCause;
    this.#current?.failed(cause);
  }

  #next(): BlobSource | undefined {
    if (this.#current === undefined) {
      this.#current = this.#ownSource();
    } else {
      this.#peers ??= this.#peerSources();
      this.#current = this.#peers.shift();
    }
    return this.#current;
  }

  #ownSource(): BlobSource {
    const { context, missing, file } = this.#options;
    return {
      open: (range) => context.store.open(file, range),
      failed: (err) => {
        if (err !== undefined) context.log.error({ err, ...nameOf(file) }, "this node's copy of a blob is bad");
        missing.report(file);
      },
    };
  }

  #peerSources(): BlobSource[] {
    const { context, file } = this.#options;
    return context.cluster.readingPeers().map((peer) => ({
      open: (range) => openAtPeer(peer, { file, range, clock: context.clock }),
      failed: (err) => {
        // Not to have a blob (yet) is no failure of the peer.
        if (err === undefined) return;
        context.log.warn({ err, node: peer.node.name, ...nameOf(file) }, "a peer failed to send a blob");
        peer.reportFailure(err);
      },
    }));
  }
}

interface PeerOpenOptions {
  readonly file: FileRecord;
  readonly range: ByteRange | undefined;
  readonly clock: Clock;
}

function openAtPeer(peer: Peer, { file, range, clock }: PeerOpenOptions): Promise<OpenBlob | undefined> {
  const given = new AbortController();
  const late = () => {
    const error = new KoboldError("peer_failed", `node ${peer.node.name} did not answer`);
    // Also ends the stream that it may still come with.
    given.abort(error);
    return error;
  };
  return withDeadline(peer.store.open(file, range, given.signal), { clock, ms: PEER_ANSWER_MS, late });
}

function nameOf({ namespace, digest }: FileRecord): object {
  return { namespace, digest };
}
