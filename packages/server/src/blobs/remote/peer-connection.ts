import { HEADER, isErrorCode, KoboldError } from "@koboldfs/protocol";
import { type Dispatcher, Pool } from "undici";
import { type Clock, systemClock } from "../../runtime/clock.js";
import { type WholeUpload, WholeUploader } from "./whole-upload.js";

/** No progress for this long and the peer counts as failed; a healthy one on a local network answers within milliseconds. */
const DEFAULT_PROGRESS_TIMEOUT_MS = 2_000;

/**
 * From the last byte sent to the answer nothing can be seen of the peer's fsync. It has at most about 32 MiB left to
 * write then (see SYNC_EVERY_BYTES of the disk store), which even a slow and busy disk does in this time.
 */
const DEFAULT_FINISH_TIMEOUT_MS = 10_000;

/** Transfers to one peer at a time; each has its own connection. More than this wait for one. */
const MAX_CONNECTIONS = 256;

/** Answers in JSON between nodes are a few hundred bytes. */
const MAX_JSON_BYTES = 64 * 1024;

/** Codes that speak of the blob, of the peer's disk or of its mirror; every other failure is the peer's own. */
const PASSED_CODES = new Set([
  "blob_corrupt",
  "body_too_long",
  "body_too_short",
  "digest_mismatch",
  "disk_failed",
  "disk_full",
  "history_forked",
  "mirror_behind",
  "range_not_satisfiable",
]);

export interface PeerRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  /** Raw, as it goes into the request line. */
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PeerConnectionOptions {
  /** Scheme, host and port of the peer. */
  readonly url: string;
  /** The value of `HEADER.nodeSignature` for a request; asked once for each. */
  readonly sign: (request: PeerRequest) => string;
  readonly progressTimeoutMs?: number;
  readonly finishTimeoutMs?: number;
  readonly clock?: Clock;
}

export interface PeerIdentity {
  readonly cluster: string;
  readonly node: string;
  readonly name: string;
}

export type PeerResponse = Dispatcher.ResponseData;

/** What can be read of an answer, however it was asked for. */
export type PeerAnswer = Pick<PeerResponse, "statusCode" | "headers"> & {
  readonly body: Buffer | PeerResponse["body"];
};

/** The way to one peer's node face: kept connections, signed requests. Connects on first use. */
export class PeerConnection {
  readonly progressTimeoutMs: number;
  readonly finishTimeoutMs: number;
  readonly clock: Clock;
  readonly #options: PeerConnectionOptions;
  readonly #pool: Pool;
  readonly #uploader: WholeUploader;

  constructor(options: PeerConnectionOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.progressTimeoutMs = options.progressTimeoutMs ?? DEFAULT_PROGRESS_TIMEOUT_MS;
    this.finishTimeoutMs = options.finishTimeoutMs ?? DEFAULT_FINISH_TIMEOUT_MS;
    this.#uploader = new WholeUploader(options.url, MAX_CONNECTIONS);
    this.#pool = new Pool(options.url, {
      connections: MAX_CONNECTIONS,
      pipelining: 1,
      connect: { timeout: this.progressTimeoutMs },
      headersTimeout: this.progressTimeoutMs,
      bodyTimeout: this.progressTimeoutMs,
    });
  }

  /** A request without a body. Rejects with `peer_failed`, or with the signal's reason. */
  async ask(request: PeerRequest, signal?: AbortSignal): Promise<PeerResponse> {
    signal?.throwIfAborted();
    try {
      return await this.#pool.request(this.#dispatch(request, { signal: signal ?? null }));
    } catch (error) {
      signal?.throwIfAborted();
      throw this.failure(error);
    }
  }

  /** A request with a body; its pace and its end are the caller's to watch. Rejects with undici's errors. */
  send(
    request: PeerRequest,
    options: { body: NonNullable<Dispatcher.DispatchOptions["body"]>; signal: AbortSignal },
  ): Promise<PeerResponse> {
    return this.#pool.request(this.#dispatch(request, { ...options, headersTimeout: 0 }));
  }

  /** A request whose whole body is at hand; its pace is the caller's to watch. */
  sendWhole(
    { method, rawPath, headers }: PeerRequest,
    chunks: readonly Uint8Array[],
    maxAnswerBytes = MAX_JSON_BYTES,
  ): WholeUpload {
    const signed = { ...headers, [HEADER.nodeSignature]: this.#options.sign({ method, rawPath, headers }) };
    return this.#uploader.start({ method, rawPath, headers: signed, chunks, maxAnswerBytes });
  }

  /** Resolves when the peer took the hint that it owes something. */
  async nudge(signal?: AbortSignal): Promise<void> {
    const response = await this.ask({ method: "POST", rawPath: "/v1/node/nudge", headers: {} }, signal);
    if (response.statusCode !== 204) throw await this.refusal(response);
    await response.body.dump();
  }

  /** Who answers there. */
  async ping(signal?: AbortSignal): Promise<PeerIdentity> {
    const response = await this.ask({ method: "GET", rawPath: "/v1/node/ping", headers: {} }, signal);
    if (response.statusCode !== 200) throw await this.refusal(response);
    const { cluster, node, name } = await this.readJson(response);
    if (typeof cluster === "string" && typeof node === "string" && typeof name === "string") {
      return { cluster, node, name };
    }
    throw this.failure(new Error("its answer to a ping says nothing of cluster, node and name"));
  }

  /** Ends what runs and releases the connections. */
  close(): Promise<void> {
    this.#uploader.close();
    return this.#pool.destroy();
  }

  /** The JSON object of an answer. Rejects with `peer_failed`. */
  async readJson(response: PeerAnswer): Promise<Readonly<Record<string, unknown>>> {
    try {
      const value: unknown = JSON.parse(await readText(response));
      if (typeof value === "object" && value !== null) return { ...value };
    } catch (error) {
      throw this.failure(error);
    }
    throw this.failure(new Error("its answer is not a JSON object"));
  }

  /** What an answer that is no success means to us. Reads it to its end. */
  async refusal(response: PeerAnswer): Promise<KoboldError> {
    const problem: Readonly<Record<string, unknown>> = await this.readJson(response).catch(() => ({}));
    const { code = response.headers[HEADER.errorCode], detail } = problem as { code?: unknown; detail?: unknown };
    const said = typeof detail === "string" ? detail : `status ${response.statusCode}`;
    if (typeof code === "string" && isErrorCode(code) && PASSED_CODES.has(code)) {
      return new KoboldError(code, `the node at ${this.#options.url} says: ${said}`);
    }
    const refused = code === "unauthorized" ? "peer_refused" : "peer_failed";
    return new KoboldError(refused, `the node at ${this.#options.url} refuses: ${said}`);
  }

  /** `peer_failed` for anything that has no code of ours yet. */
  failure(cause: unknown): KoboldError {
    if (cause instanceof KoboldError) return cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    return new KoboldError("peer_failed", `the node at ${this.#options.url} failed: ${said}`, { cause });
  }

  #dispatch(request: PeerRequest, more: Partial<Dispatcher.RequestOptions>): Omit<Dispatcher.RequestOptions, "origin"> {
    const { method, rawPath, headers } = request;
    const signed = { ...headers, [HEADER.nodeSignature]: this.#options.sign(request) };
    return { method, path: rawPath, headers: signed, ...more };
  }
}

async function readText(response: PeerAnswer): Promise<string> {
  if (Buffer.isBuffer(response.body)) return response.body.toString("utf8");
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_JSON_BYTES) throw new Error(`its answer is longer than ${MAX_JSON_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
