import { type FileInfo, KoboldError } from "@koboldfs/protocol";
import type { Hasher, TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";
import type { RetryBudget } from "../session/retry-budget.js";
import type { Session } from "../session/session.js";
import { type FileHead, readFileHead } from "./file-head.js";

/** A part of a file: from `offset`, so many bytes or to the end; or its last bytes. */
export type ByteRange = { readonly offset: number; readonly length?: number } | { readonly last: number };

export interface DownloadRequest {
  readonly key: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly range?: ByteRange | undefined;
  /** So many bytes at most go into memory, all at once. */
  readonly wholeBytes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * One file on its way here. A connection that breaks is replaced by one to another server, at the same offset and of
 * the same content (If-Match). Unless a range was asked for, the digest of the whole is checked before the end is told.
 */
export class Download {
  readonly info: FileInfo;
  readonly length: number;
  readonly #session: Session;
  readonly #request: DownloadRequest;
  readonly #budget: RetryBudget;
  readonly #start: number;
  #server: string;
  #response: TransportResponse;
  #received = 0;

  private constructor(session: Session, asked: { request: DownloadRequest; budget: RetryBudget }, first: Opened) {
    this.#session = session;
    this.#request = asked.request;
    this.#budget = asked.budget;
    this.#server = first.server;
    this.#response = first.response;
    this.#start = first.head.offset;
    this.info = first.head.info;
    this.length = first.head.length;
  }

  /** Throws `not_found` and whatever else the servers say. */
  static async open(session: Session, request: DownloadRequest, budget: RetryBudget): Promise<Download> {
    const range = request.range === undefined ? {} : { range: formatRange(request.range) };
    const opened = await session.run(
      (server) => {
        const headers = { ...request.headers, ...range };
        return openAt(session, request, { server, headers, wholeBytes: request.wholeBytes });
      },
      budget,
      request.signal,
    );
    return new Download(session, { request, budget }, opened);
  }

  /** The whole body, which the caller keeps in memory. */
  async readBytes(): Promise<Uint8Array> {
    try {
      const bytes = await this.#response.readBytes(this.length);
      if (bytes.length !== this.length) throw AttemptFailure.unreachable(`${this.#server} ended the body early`);
      this.#check(this.#isWhole ? this.#session.platform.hash(bytes) : undefined);
      this.#request.onProgress?.(bytes.length);
      return bytes;
    } catch (thrown) {
      this.#fail(thrown);
    }
    await this.#reopen();
    const bytes = new Uint8Array(this.length);
    let filled = 0;
    for await (const chunk of this.read()) {
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    return bytes;
  }

  /** The pieces in order, once. Throws `digest_mismatch` after the last one when they are not the file. */
  async *read(): AsyncGenerator<Uint8Array> {
    const hasher = this.#isWhole ? this.#session.platform.createHasher() : undefined;
    try {
      yield* this.#readHashing(hasher);
    } finally {
      this.#response.discard();
    }
    this.#check(hasher?.digest());
  }

  /** Gives up what was not read. */
  discard(): void {
    this.#response.discard();
  }

  async *#readHashing(hasher: Hasher | undefined): AsyncGenerator<Uint8Array> {
    for (;;) {
      try {
        for await (const chunk of this.#response.body) {
          this.#received += chunk.length;
          if (this.#received > this.length)
            throw new KoboldError("invalid_response", "the body is longer than announced");
          hasher?.update(chunk);
          this.#budget.noteProgress(this.#received, performance.now());
          yield chunk;
          this.#request.onProgress?.(this.#received);
        }
        if (this.#received < this.length) throw AttemptFailure.unreachable(`${this.#server} ended the body early`);
      } catch (thrown) {
        this.#fail(thrown);
      }
      if (this.#received === this.length) return;
      await this.#reopen();
    }
  }

  get #isWhole(): boolean {
    return this.length === this.info.size;
  }

  #check(digest: string | undefined): void {
    if (digest === undefined || digest === this.info.digest) return;
    const error = new KoboldError(
      "digest_mismatch",
      `the ${this.length} bytes of ${JSON.stringify(this.info.key)} that arrived from ${this.#server} are not its content`,
    );
    this.#session.noteFailure(this.#server, new AttemptFailure(error, { retryable: true, avoidServer: true }));
    throw error;
  }

  /** Throws what no other server can mend. */
  #fail(thrown: unknown): void {
    this.#request.signal?.throwIfAborted();
    this.#response.discard();
    this.#session.noteFailure(this.#server, thrown);
  }

  async #reopen(): Promise<void> {
    const offset = this.#start + this.#received;
    const remaining = this.length - this.#received;
    const headers = {
      ...this.#request.headers,
      range: `bytes=${offset}-${this.#start + this.length - 1}`,
      "if-match": `"${this.info.digest}"`,
    };
    const attempt = async (server: string): Promise<Opened> => {
      const opened = await openAt(this.#session, this.#request, { server, headers });
      const { head, response } = opened;
      if (head.info.digest === this.info.digest && head.offset === offset && head.length === remaining) return opened;
      response.discard();
      throw AttemptFailure.invalidResponse("the server answered another range than the one that was asked for");
    };
    const opened = await this.#session.run(attempt, this.#budget, this.#request.signal);
    this.#server = opened.server;
    this.#response = opened.response;
  }
}

interface Opened {
  readonly server: string;
  readonly response: TransportResponse;
  readonly head: FileHead;
}

async function openAt(
  session: Session,
  request: DownloadRequest,
  at: { server: string; headers: Record<string, string>; wholeBytes?: number | undefined },
): Promise<Opened> {
  const { server, headers, wholeBytes } = at;
  const response = await session.exchange({
    server,
    method: "GET",
    path: request.path,
    headers,
    signal: request.signal,
    wholeBytes,
  });
  try {
    return { server, response, head: readFileHead(request.key, response) };
  } catch (thrown) {
    response.discard();
    throw thrown;
  }
}

function formatRange(range: ByteRange): string {
  const isEmpty = "last" in range ? range.last < 1 : range.length !== undefined && range.length < 1;
  if (isEmpty) throw new KoboldError("range_not_satisfiable", "an empty range was asked for");
  if ("last" in range) return `bytes=-${range.last}`;
  return `bytes=${range.offset}-${range.length === undefined ? "" : range.offset + range.length - 1}`;
}
