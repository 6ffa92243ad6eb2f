import { createHash } from "node:crypto";
import { HEADER, KoboldError } from "@koboldfs/protocol";
import { formatGroupFrames, parseGroupFrames } from "../../model/group-frames.js";
import type { JournalGroup } from "../../model/journal-group.js";
import type { MirrorHead } from "../mirror.js";
import type { PeerMirror } from "../peer-mirror.js";

/** An answer of the peer, whole. */
interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What a mirror needs of the way to a peer's node face. */
export interface MirrorTransport {
  sendWhole(
    request: {
      readonly method: "GET" | "POST";
      readonly rawPath: string;
      readonly headers: Readonly<Record<string, string>>;
    },
    chunks: readonly Uint8Array[],
    maxAnswerBytes?: number,
  ): { readonly answer: Promise<Answer>; cut(reason: Error): void };
  refusal(answer: Answer): Promise<KoboldError>;
  failure(cause: unknown): KoboldError;
}

type Exchange = Pick<Parameters<MirrorTransport["sendWhole"]>[0], "method" | "rawPath"> & {
  readonly chunks?: readonly Buffer[];
  readonly maxAnswerBytes?: number;
  readonly signal?: AbortSignal | undefined;
};

/** A peer without any answer for this long has failed; it may have a busy disk to wait for. */
const ANSWER_MS = 10_000;
/** More than `MAX_ANSWER_BYTES` of the node face: one group may be larger than what it stops at. */
const MAX_GROUPS_BYTES = 64 * 1024 * 1024;

/** The mirror of a peer, over its node face. What it sends is hashed here. */
export class RemoteMirror implements PeerMirror {
  readonly #peer: MirrorTransport;

  constructor(peer: MirrorTransport) {
    this.#peer = peer;
  }

  async append(groups: readonly JournalGroup[], signal?: AbortSignal): Promise<MirrorHead> {
    const chunks = formatGroupFrames(groups);
    return this.#readHead(await this.#exchange({ method: "POST", rawPath: "/v1/node/mirror/groups", chunks, signal }));
  }

  async head(signal?: AbortSignal): Promise<MirrorHead> {
    return this.#readHead(await this.#exchange({ method: "GET", rawPath: "/v1/node/mirror", signal }));
  }

  async listGroups(after: number, limit: number, signal?: AbortSignal): Promise<JournalGroup[]> {
    const rawPath = `/v1/node/mirror/groups?after=${after}&limit=${limit}`;
    const body = await this.#exchange({ method: "GET", rawPath, maxAnswerBytes: MAX_GROUPS_BYTES, signal });
    try {
      return parseGroupFrames(body);
    } catch (error) {
      throw this.#peer.failure(new Error("it sent what are no groups of a journal", { cause: error }));
    }
  }

  async findGroupHash(number: number, signal?: AbortSignal): Promise<string | undefined> {
    const body = await this.#exchange({ method: "GET", rawPath: `/v1/node/mirror/hashes/${number}`, signal });
    const { hash } = this.#readObject(body);
    return typeof hash === "string" ? hash : undefined;
  }

  async #exchange({ method, rawPath, chunks = [], maxAnswerBytes, signal }: Exchange): Promise<Buffer> {
    signal?.throwIfAborted();
    const sending = this.#peer.sendWhole({ method, rawPath, headers: headersOf(chunks) }, chunks, maxAnswerBytes);
    const cut = () => sending.cut(new Error("it did not answer in time"));
    // Not AbortSignal.timeout: inside of AbortSignal.any, Node 20 collects it as garbage, and it never fires.
    const limit = setTimeout(cut, ANSWER_MS);
    signal?.addEventListener("abort", cut, { once: true });
    try {
      const answer = await sending.answer;
      if (answer.statusCode !== 200) throw await this.#peer.refusal(answer);
      return answer.body;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#peer.failure(error);
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener("abort", cut);
    }
  }

  #readHead(body: Buffer): MirrorHead {
    const { number, hash, timeMs, epoch } = this.#readObject(body);
    if (typeof hash === "string" && [number, timeMs, epoch].every(Number.isSafeInteger)) {
      return { number: number as number, hash, timeMs: timeMs as number, epoch: epoch as number };
    }
    throw this.#peer.failure(new Error("its answer does not say how far its mirror is"));
  }

  #readObject(body: Buffer): Readonly<Record<string, unknown>> {
    try {
      const value: unknown = JSON.parse(body.toString("utf8"));
      if (typeof value === "object" && value !== null) return { ...value };
    } catch (error) {
      throw this.#peer.failure(error);
    }
    throw this.#peer.failure(new KoboldError("peer_failed", "its answer is not a JSON object"));
  }
}

/** The digest is signed with the request: a body that was changed on the way is refused. */
function headersOf(chunks: readonly Buffer[]): Record<string, string> {
  if (chunks.length === 0) return {};
  const hash = createHash("sha256");
  let bytes = 0;
  for (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return {
    "content-type": "application/octet-stream",
    "content-length": String(bytes),
    [HEADER.blobDigest]: hash.digest("hex"),
  };
}
