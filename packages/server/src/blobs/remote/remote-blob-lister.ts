import { isDigest, parseNamespaceName } from "@koboldfs/protocol";
import type { BlobLister, BlobListing } from "../blob-lister.js";
import type { BlobRef } from "../blob-store.js";
import type { PeerConnection } from "./peer-connection.js";

/** Much more than the blobs that are asked for take: one folder shard may hold many. */
const MAX_LISTING_BYTES = 64 * 1024 * 1024;
/** Reading some thousand folders of a cold disk takes its time. */
const ANSWER_MS = 60_000;

/** What lies on the volumes of a peer, over its node face. */
export class RemoteBlobLister implements BlobLister {
  readonly #peer: PeerConnection;

  constructor(peer: PeerConnection) {
    this.#peer = peer;
  }

  async listBlobs(after: string, atLeast: number, signal?: AbortSignal): Promise<BlobListing> {
    signal?.throwIfAborted();
    const rawPath = `/v1/node/listing?after=${after}&limit=${atLeast}`;
    const sending = this.#peer.sendWhole({ method: "GET", rawPath, headers: {} }, [], MAX_LISTING_BYTES);
    const cut = () => sending.cut(new Error("it did not answer in time"));
    const limit = setTimeout(cut, ANSWER_MS);
    signal?.addEventListener("abort", cut, { once: true });
    try {
      const answer = await sending.answer;
      if (answer.statusCode !== 200) throw await this.#peer.refusal(answer);
      return parseListing(answer.body);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#peer.failure(error);
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener("abort", cut);
    }
  }
}

function parseListing(body: Buffer): BlobListing {
  const listing: unknown = JSON.parse(body.toString("utf8"));
  if (typeof listing !== "object" || listing === null) throw new Error("its answer is no listing");
  const { blobs, next } = listing as { blobs?: unknown; next?: unknown };
  if (!Array.isArray(blobs)) throw new Error("its answer lists no blobs");
  return { blobs: blobs.map(parseRef), ...(typeof next === "string" && { next }) };
}

function parseRef(pair: unknown): BlobRef {
  const [namespace, digest] = Array.isArray(pair) ? (pair as unknown[]) : [];
  if (typeof namespace !== "string" || typeof digest !== "string" || !isDigest(digest)) {
    throw new Error("it lists what is no blob");
  }
  return { namespace: parseNamespaceName(namespace), digest };
}
