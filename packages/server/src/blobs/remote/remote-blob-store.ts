import { HEADER, type NamespaceName } from "@koboldfs/protocol";
import type { BlobRef, BlobStore, BlobWrite, BlobWriteOptions, ByteRange, OpenBlob } from "../blob-store.js";
import { GuardedWrite } from "../guarded-write.js";
import { checkDigest, checkRange, SMALL_BLOB_BYTES, StreamCheck } from "../verified-bytes.js";
import type { PeerConnection, PeerRequest, PeerResponse } from "./peer-connection.js";
import { rawPathOf } from "./raw-path.js";
import { RemoteWrite } from "./remote-write.js";
import { VerifiedDownload } from "./verified-download.js";

/** The blobs of a peer, over its node face. What it sends is verified here: its disk and the way are not trusted. */
export class RemoteBlobStore implements BlobStore {
  readonly #peer: PeerConnection;

  constructor(peer: PeerConnection) {
    this.#peer = peer;
  }

  async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    // What is no range of any blob cannot be said in HTTP.
    if (range !== undefined) checkRange(range, Number.MAX_SAFE_INTEGER);
    const response = await this.#peer.ask(requestOf("GET", ref, range), signal);
    if (await this.#isMissing(response)) return undefined;
    if (response.statusCode !== (range === undefined ? 200 : 206)) throw await this.#peer.refusal(response);
    const sizeBytes = range === undefined ? lengthOf(response) : totalOf(response);
    if (sizeBytes === undefined) return this.#giveUp(response, "its answer does not say how long the blob is");
    const { start, end } = range ?? { start: 0, end: sizeBytes };
    if (end > sizeBytes) return this.#giveUp(response, "its answer is not the range that was asked for");
    const senderServes = parseSize(String(response.headers[HEADER.serving])) ?? 0;
    const isSmall = end - start <= SMALL_BLOB_BYTES;
    const check = range === undefined && !isSmall ? new StreamCheck(ref, sizeBytes) : undefined;
    const download = this.#download(response, end - start, check);
    if (!isSmall) return { sizeBytes, content: download, senderServes };
    const content = await readAll(download);
    if (range === undefined) checkDigest(content, ref);
    return { sizeBytes, content, senderServes };
  }

  async stat(ref: BlobRef, signal?: AbortSignal): Promise<{ sizeBytes: number } | undefined> {
    const response = await this.#peer.ask(requestOf("HEAD", ref), signal);
    if (await this.#isMissing(response)) return undefined;
    if (response.statusCode !== 200) throw await this.#peer.refusal(response);
    const sizeBytes = lengthOf(response);
    if (sizeBytes === undefined) return this.#giveUp(response, "its answer does not say how long the blob is");
    await response.body.dump();
    return { sizeBytes };
  }

  /** Asks nothing of the peer yet: that it is full, or gone, is told by a later step. */
  async create(namespace: NamespaceName, announced: BlobWriteOptions = {}, signal?: AbortSignal): Promise<BlobWrite> {
    return new GuardedWrite(new RemoteWrite(this.#peer, namespace, announced), signal);
  }

  /** Only the node face itself can say that a blob is not there; a 404 of anything else is a failure. */
  async #isMissing(response: PeerResponse): Promise<boolean> {
    if (response.statusCode !== 404 || response.headers[HEADER.errorCode] !== "not_found") return false;
    await response.body.dump();
    return true;
  }

  #giveUp(response: PeerResponse, why: string): never {
    response.body.on("error", () => {}).destroy();
    throw this.#peer.failure(new Error(why));
  }

  #download(response: PeerResponse, sizeBytes: number, check: StreamCheck | undefined): VerifiedDownload {
    const { body } = response;
    const fail = (cause: unknown) => this.#peer.failure(cause);
    const download = new VerifiedDownload({ sizeBytes, check, fail });
    body.on("error", (error) => download.destroy(isAbort(error) ? error : fail(error)));
    download.on("close", () => body.destroy());
    return body.pipe(download);
  }
}

function requestOf(method: "GET" | "HEAD", ref: BlobRef, range?: ByteRange): PeerRequest {
  const headers: Record<string, string> = {};
  if (range !== undefined) headers["range"] = `bytes=${range.start}-${range.end - 1}`;
  return { method, rawPath: rawPathOf(ref.namespace, ref.digest), headers };
}

function lengthOf(response: PeerResponse): number | undefined {
  return parseSize(String(response.headers["content-length"]));
}

/** The total of `Content-Range: bytes 0-9/TOTAL`. */
function totalOf(response: PeerResponse): number | undefined {
  const match = /^bytes \d+-\d+\/(\d+)$/.exec(String(response.headers["content-range"]));
  return match === null ? undefined : parseSize(match[1] ?? "");
}

function parseSize(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

async function readAll(download: VerifiedDownload): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of download as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function isAbort(error: Error): boolean {
  return error.name === "AbortError";
}
