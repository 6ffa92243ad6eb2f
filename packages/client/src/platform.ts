import type { Sink } from "./transfer/sink.js";
import type { SourceBody } from "./transfer/source-body.js";

/** What the client needs of the machine it runs on. `node/` has Node's; a browser's stands beside it, not inside it. */
export interface Platform {
  readonly transport: Transport;
  createHasher(): Hasher;
  /** SHA-256 of some bytes that are all here, in hex: cheaper than a hasher. */
  hash(bytes: Uint8Array): string;
  /**
   * Makes a body one that the transport can send, where that is not every one: browsers send no streams. Told before the
   * first attempt, once; closes the body that it replaces.
   */
  prepareBody?(body: SourceBody): Promise<SourceBody>;
  /** Reads a file as a source. Throws `source_unreadable`. */
  openPath(path: string): Promise<SourceBody>;
  /** Writes a file that appears under its name only when it is complete. Throws `target_unwritable`. */
  createFile(path: string): Promise<Sink>;
  /** A sink over the platform's own kind of stream; undefined when `target` is none. */
  wrapStream(target: unknown): Sink | undefined;
}

/** SHA-256, piece by piece. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** 64 hex digits; the hasher is used up. */
  digest(): string;
}

/** An iterable is read only while the connection takes more. A Blob is for transports that cannot do that. */
export type RequestBody = Uint8Array | AsyncIterable<Uint8Array> | Blob;

export interface TransportRequest {
  /** Scheme, host and port, perhaps with a path before ours; no slash at the end. */
  readonly server: string;
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** Percent-encoded already; must reach the server byte for byte. */
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: RequestBody;
  /** Told how many bytes of a Blob went out so far, where the transport can know. */
  readonly onSent?: (bytes: number) => void;
  readonly signal?: AbortSignal;
  /** The answer is wanted whole and in memory, if it has no more bytes than these: it may be read before it is answered. */
  readonly wholeBytes?: number;
  /** From the sent request to the first header; 0 for no limit. */
  readonly responseTimeoutMs: number;
  /** Between two pieces of the answer's body. */
  readonly idleTimeoutMs: number;
}

/** An answer whose head is here. Its body must be read to the end, or discarded. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Throws an `AttemptFailure` when the connection breaks or idles. Leaving early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The whole body. Fails as `body` does, and when it is longer than `maxBytes`. */
  readBytes(maxBytes: number): Promise<Uint8Array>;
  /** Passes over a body of no interest (HEAD has none), so that the connection can be used again. */
  finish(): Promise<void>;
  /** Gives up the body, and the connection with it. */
  discard(): void;
}

/** One HTTP exchange, never repeated here. Throws an `AttemptFailure`, or the signal's reason. */
export interface Transport {
  /** Whether `onSent` is told how a Blob goes out; absent where there is no Blob to send. */
  readonly tellsSent?: boolean;
  request(request: TransportRequest): Promise<TransportResponse>;
  /** Lets running requests finish and closes the connections. */
  close(): Promise<void>;
}
