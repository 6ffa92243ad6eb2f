import { type Digest, HEADER, KoboldError, type PutReply } from "@koboldfs/protocol";
import { formatDigestHeader } from "../digest-header.js";
import type { TransportResponse } from "../platform.js";
import { checkPutReply, readJson } from "../reply-checks.js";
import { AttemptFailure } from "../session/attempt-failure.js";
import type { RetryBudget } from "../session/retry-budget.js";
import type { Session } from "../session/session.js";
import type { SourceBody } from "./source-body.js";
import { StallWatch } from "./stall-watch.js";

/** Where nothing tells how an upload goes, it may take as long as over the slowest mobile link that is worth waiting for. */
const SLOWEST_BYTES_PER_MS = 32;

/** How long so many bytes may take where nothing tells how they go out. */
export function slowestMs(sizeBytes: number): number {
  return sizeBytes / SLOWEST_BYTES_PER_MS;
}

export interface Upload {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: SourceBody;
  readonly announced?: Digest | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** What one attempt sent. */
interface Sent {
  sizeBytes: number;
  digest: string;
}

/** Sends a body, to another server if need be. What the server says it stored is compared with what was sent. */
export async function uploadBody(session: Session, upload: Upload, budget: RetryBudget): Promise<PutReply> {
  const send = chooseWay(upload.body);
  const { reply, sent } = await session.run(
    (server, previous) => send({ session, upload, server, budget, previous }),
    budget,
    upload.signal,
  );
  if (reply.digest === sent.digest && reply.size === sent.sizeBytes) return reply;
  await withdraw(session, upload, reply.digest);
  throw new KoboldError(
    "digest_mismatch",
    `${sent.sizeBytes} bytes with digest ${sent.digest} were sent; the server stored ${reply.size} with ${reply.digest}`,
  );
}

function chooseWay({
  bytes,
  blob,
  digest,
}: SourceBody): (sending: Sending) => Promise<{ reply: PutReply; sent: Sent }> {
  if (bytes !== undefined) return sendBytes;
  return blob !== undefined && digest !== undefined ? (sending) => sendBlob(sending, { blob, digest }) : sendStream;
}

/** Bytes that were spoiled on the way have a name now: it must not be read as if it were right. */
export async function withdraw(
  session: Session,
  upload: Pick<Upload, "path" | "signal">,
  digest: string,
): Promise<void> {
  const headers = { "if-match": `"${digest}"`, [HEADER.idempotencyKey]: session.createIdempotencyKey() };
  const read = (response: TransportResponse): Promise<void> => response.finish();
  // When this fails too, the mismatch is still what the caller has to know.
  await session
    .callWithin({ method: "DELETE", path: upload.path, headers }, read, { signal: upload.signal })
    .catch(() => undefined);
}

interface Sending {
  readonly session: Session;
  readonly upload: Upload;
  readonly server: string;
  readonly budget: RetryBudget;
  readonly previous: KoboldError | undefined;
}

async function sendBytes({ session, upload, server }: Sending): Promise<{ reply: PutReply; sent: Sent }> {
  const bytes = upload.body.bytes ?? new Uint8Array();
  const digest = upload.body.digest ?? session.platform.hash(bytes);
  throwIfAnotherThanAnnounced(digest, upload);
  const headers = { ...upload.headers, [HEADER.reprDigest]: formatDigestHeader(digest) };
  const { path, signal } = upload;
  const response = await session.exchange({ server, method: "PUT", path, headers, body: bytes, signal });
  const reply = checkPutReply(await readJson(response));
  upload.onProgress?.(bytes.length);
  return { reply, sent: { sizeBytes: bytes.length, digest } };
}

/** The transport reads the content by itself, and tells how far it is. */
async function sendBlob(
  { session, upload, server, budget }: Sending,
  { blob, digest }: { blob: Blob; digest: Digest },
): Promise<{ reply: PutReply; sent: Sent }> {
  throwIfAnotherThanAnnounced(digest, upload);
  const blindMs = session.platform.transport.tellsSent === true ? 0 : slowestMs(blob.size);
  const watch = new StallWatch(session.options.responseTimeoutMs + blindMs);
  const onSent = (bytes: number) => {
    watch.arm();
    budget.noteProgress(bytes, performance.now());
    upload.onProgress?.(bytes);
  };
  try {
    const response = await session.exchange({
      server,
      method: "PUT",
      path: upload.path,
      headers: { ...upload.headers, [HEADER.reprDigest]: formatDigestHeader(digest) },
      body: blob,
      onSent,
      signal: upload.signal === undefined ? watch.signal : AbortSignal.any([upload.signal, watch.signal]),
      responseTimeoutMs: 0,
    });
    return { reply: checkPutReply(await readJson(response)), sent: { sizeBytes: blob.size, digest } };
  } finally {
    watch.stop();
  }
}

async function sendStream(sending: Sending): Promise<{ reply: PutReply; sent: Sent }> {
  const { session, upload, server, previous } = sending;
  const watch = new StallWatch(session.options.responseTimeoutMs);
  const headers = { ...upload.headers };
  if (upload.body.sizeBytes !== undefined) headers["content-length"] = String(upload.body.sizeBytes);
  if (upload.announced !== undefined) headers[HEADER.reprDigest] = formatDigestHeader(upload.announced);
  const meter = new UploadMeter(sending, watch);
  try {
    const response = await session.exchange({
      server,
      method: "PUT",
      path: upload.path,
      headers,
      body: meter.read(),
      signal: upload.signal === undefined ? watch.signal : AbortSignal.any([upload.signal, watch.signal]),
      // The watch knows better than a plain timer whose turn it is.
      responseTimeoutMs: 0,
    });
    watch.disarm();
    return { reply: checkPutReply(await readJson(response)), sent: meter.finish() };
  } catch (thrown) {
    upload.signal?.throwIfAborted();
    if (meter.ended) throwIfAnotherThanAnnounced(meter.finish().digest, upload);
    throw explainFailure(thrown, meter.sourceFailure, previous);
  } finally {
    watch.stop();
  }
}

export function throwIfAnotherThanAnnounced(digest: string, upload: Pick<Upload, "announced">): void {
  if (upload.announced === undefined || upload.announced === digest) return;
  throw new KoboldError("source_changed", `the source has digest ${digest}; ${upload.announced} was announced`);
}

/** What went wrong at the source is told as such, and nothing is tried again for it. */
export function explainFailure(thrown: unknown, atSource: unknown, previous: KoboldError | undefined): unknown {
  if (atSource instanceof KoboldError && atSource.code === "source_consumed") {
    const why = previous === undefined ? "" : `: ${previous.message}`;
    return new KoboldError("source_consumed", `${atSource.message}${why}`, { cause: previous });
  }
  if (atSource instanceof KoboldError) return atSource;
  if (atSource !== undefined) {
    return new KoboldError("source_unreadable", "the source could not be read", { cause: atSource });
  }
  return thrown instanceof AttemptFailure ? thrown : AttemptFailure.unreachable("the upload broke off", thrown);
}

/** Passes a body on while it hashes, counts and watches. */
class UploadMeter {
  sourceFailure: unknown;
  /** Everything was read. */
  ended = false;
  readonly #sending: Sending;
  readonly #watch: StallWatch;
  readonly #hasher;
  #sizeBytes = 0;

  constructor(sending: Sending, watch: StallWatch) {
    this.#sending = sending;
    this.#watch = watch;
    this.#hasher = sending.session.platform.createHasher();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    const { upload, budget } = this.#sending;
    this.#watch.disarm();
    try {
      for await (const chunk of upload.body.read()) {
        this.#hasher.update(chunk);
        this.#sizeBytes += chunk.length;
        this.#watch.arm();
        yield chunk;
        this.#watch.disarm();
        budget.noteProgress(this.#sizeBytes, performance.now());
        upload.onProgress?.(this.#sizeBytes);
      }
    } catch (thrown) {
      this.sourceFailure = thrown;
      throw thrown;
    }
    this.ended = true;
    this.#watch.arm();
  }

  finish(): Sent {
    return { sizeBytes: this.#sizeBytes, digest: this.#hasher.digest() };
  }
}
