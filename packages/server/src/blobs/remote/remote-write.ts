import { HEADER, isDigest, KoboldError, type NamespaceName } from "@koboldfs/protocol";
import { checkNotTooLong, checkNotTooShort } from "../announced-bytes.js";
import type { BlobWriteOptions, PlacedBlob } from "../blob-store.js";
import type { WriteSteps } from "../guarded-write.js";
import type { PeerAnswer, PeerConnection, PeerRequest, PeerResponse } from "./peer-connection.js";
import { rawPathOf } from "./raw-path.js";
import { UploadBody } from "./upload-body.js";
import type { WholeUpload } from "./whole-upload.js";

/**
 * A blob up to this size goes out in one piece when it is finished: one system call instead of several, and an upload
 * that is given up has never bothered the peer. The price is that the bytes travel after the last one arrived.
 */
const HELD_BYTES = 64 * 1024;

interface Upload {
  readonly body: UploadBody;
  /** Rejects with what the peer says when it refuses. */
  readonly answer: Promise<PeerResponse>;
}

/**
 * One blob on its way to a peer. The end of the request's body is its commit, so it is only ended by `complete`; in
 * every other case the connection is cut, and the peer forgets what it got.
 */
export class RemoteWrite implements WriteSteps {
  readonly #peer: PeerConnection;
  readonly #rawPath: string;
  readonly #announced: BlobWriteOptions;
  /** Cuts a streamed upload. */
  readonly #cut = new AbortController();
  #whole: WholeUpload | undefined;
  #held: Uint8Array[] = [];
  #sizeBytes = 0;
  #upload: Upload | undefined;

  constructor(peer: PeerConnection, namespace: NamespaceName, announced: BlobWriteOptions) {
    this.#peer = peer;
    this.#rawPath = rawPathOf(namespace);
    this.#announced = announced;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.length;
    checkNotTooLong(this.#sizeBytes, this.#announced);
    if (chunk.length === 0) return;
    if (this.#upload !== undefined) return this.#feed(this.#upload, chunk);
    this.#held.push(chunk);
    if (this.#sizeBytes <= HELD_BYTES) return;
    const upload = this.#startUpload();
    const held = this.#held;
    this.#held = [];
    for (const piece of held) await this.#feed(upload, piece);
  }

  async complete(lastChance: () => void): Promise<PlacedBlob> {
    checkNotTooShort(this.#sizeBytes, this.#announced);
    lastChance();
    const { clock, finishTimeoutMs } = this.#peer;
    const late = () => this.#cutConnection(new Error(`it did not confirm the blob within ${finishTimeoutMs} ms`));
    const cancelTimeout = clock.schedule(finishTimeoutMs, () => setImmediate(late));
    try {
      return await this.#readPlaced(await this.#endBody());
    } catch (error) {
      throw this.#peer.failure(error);
    } finally {
      cancelTimeout();
    }
  }

  interrupt(): void {
    this.#cutConnection(new Error("the upload was given up"));
  }

  async discard(): Promise<void> {
    this.#held = [];
    this.#cutConnection(new Error("the upload was given up"));
  }

  /** The answer to the whole body. */
  async #endBody(): Promise<PeerAnswer> {
    if (this.#upload === undefined) {
      this.#whole = this.#peer.sendWhole(this.#request(this.#sizeBytes), this.#held);
      return this.#accepted(await this.#whole.answer);
    }
    this.#upload.body.end();
    return this.#upload.answer;
  }

  #startUpload(): Upload {
    const body = new UploadBody(this.#peer);
    const answer = this.#send(this.#announced.sizeBytes, body);
    // A refusal may come long before the end; the next `feed` tells it. A success is only looked at in the end.
    answer.catch((cause: unknown) => body.destroy(cause instanceof Error ? cause : new Error(String(cause))));
    this.#upload = { body, answer };
    return this.#upload;
  }

  /** Rejects with what the peer says when it refuses. */
  async #send(sizeBytes: number | undefined, body: UploadBody): Promise<PeerResponse> {
    return this.#accepted(await this.#peer.send(this.#request(sizeBytes), { body, signal: this.#cut.signal }));
  }

  async #accepted<Answer extends PeerAnswer>(answer: Answer): Promise<Answer> {
    if (answer.statusCode !== 200) throw await this.#peer.refusal(answer);
    return answer;
  }

  async #feed({ body, answer }: Upload, chunk: Uint8Array): Promise<void> {
    try {
      await body.feed(chunk);
    } catch (error) {
      throw this.#peer.failure(body.destroyed ? await reasonOf(answer, error) : error);
    }
  }

  #request(sizeBytes: number | undefined): PeerRequest {
    const headers: Record<string, string> = { "content-type": "application/octet-stream" };
    if (sizeBytes !== undefined) headers["content-length"] = String(sizeBytes);
    if (this.#announced.digest !== undefined) headers[HEADER.blobDigest] = this.#announced.digest;
    return { method: "PUT", rawPath: this.#rawPath, headers };
  }

  async #readPlaced(response: PeerAnswer): Promise<PlacedBlob> {
    const { digest, sizeBytes } = await this.#peer.readJson(response);
    if (typeof digest !== "string" || !isDigest(digest) || typeof sizeBytes !== "number") {
      throw new Error("its answer to a blob says nothing of digest and size");
    }
    if (sizeBytes !== this.#sizeBytes) {
      throw new KoboldError("peer_failed", `a node stored ${sizeBytes} bytes of ${this.#sizeBytes}`);
    }
    return { digest, sizeBytes };
  }

  #cutConnection(reason: Error): void {
    this.#whole?.cut(reason);
    if (this.#upload === undefined) return;
    this.#cut.abort(reason);
    this.#upload.body.destroy(reason);
  }
}

/** A peer that refuses in the middle answers and closes: the closed connection is met first, the answer says why. */
async function reasonOf(answer: Promise<PeerResponse>, otherwise: unknown): Promise<unknown> {
  try {
    await answer;
    return otherwise;
  } catch (refusal) {
    return refusal;
  }
}
