import { KoboldError, type PutReply } from "@koboldfs/protocol";
import { AttemptFailure } from "../session/attempt-failure.js";
import { pause } from "../session/pause.js";
import type { RetryBudget } from "../session/retry-budget.js";
import type { Session } from "../session/session.js";
import { HashedSource, type OpenSource } from "./hashed-source.js";
import { StallWatch } from "./stall-watch.js";
import { explainFailure, throwIfAnotherThanAnnounced, type Upload, withdraw } from "./upload.js";
import type { BoundMemory } from "./bound-memory.js";
import {
  formatUploadPlace,
  parseUploadPlace,
  type UploadPlace,
  UploadResource,
  type UploadState,
} from "./upload-resource.js";

export interface ResumableUpload extends Pick<Upload, "path" | "announced" | "signal" | "onProgress"> {
  readonly open: OpenSource;
  readonly sizeBytes: number;
  /** See `formatUploadMetadata`. */
  readonly metadata: string;
  readonly memory?: BoundMemory | undefined;
}

/** A node that restarts is back within seconds. Where there is another server, it is not waited for any longer. */
const PATIENCE_MS = 10_000;
/** So fast at least a server reads what arrived once more, to name the file, before it answers the last piece. */
const NAMING_BYTES_PER_MS = 16 * 1024;

/** Codes after which an upload is of no use, while the file may well be sent again. */
const BEGIN_AGAIN: ReadonlySet<string> = new Set(["upload_not_found", "upload_expired", "digest_mismatch"]);

/**
 * Sends a source that can be read again as a resumable upload: after a break it goes on where the server is. When that
 * server stays away, and there is another, it begins again there. What the server says it stored is compared with what
 * was read.
 */
export async function uploadResumably(
  session: Session,
  upload: ResumableUpload,
  budget: RetryBudget,
): Promise<PutReply> {
  const run = new UploadRun(session, upload, budget);
  try {
    const reply = await run.finish();
    const digest = await run.digest();
    if (reply.digest === digest && reply.size === upload.sizeBytes) return reply;
    await withdraw(session, upload, reply.digest);
    throw new KoboldError(
      "digest_mismatch",
      `${upload.sizeBytes} bytes with digest ${digest} were sent; the server stored ${reply.size} with ${reply.digest}`,
    );
  } catch (thrown) {
    await run.giveUp(thrown);
    throw thrown;
  }
}

class UploadRun {
  readonly #session: Session;
  readonly #upload: ResumableUpload;
  readonly #budget: RetryBudget;
  readonly #resource: UploadResource;
  readonly #source: HashedSource;
  readonly #answerMs: number;
  #place: UploadPlace | undefined;
  /** Undefined when only the server knows. */
  #offset: number | undefined;
  /** When the server last took something. */
  #aliveAtMs = 0;
  #previous: KoboldError | undefined;

  constructor(session: Session, upload: ResumableUpload, budget: RetryBudget) {
    const { open, sizeBytes } = upload;
    this.#session = session;
    this.#upload = upload;
    this.#budget = budget;
    this.#resource = new UploadResource(session);
    this.#source = new HashedSource(open, { hasher: session.platform.createHasher(), sizeBytes });
    this.#answerMs = session.options.responseTimeoutMs + sizeBytes / NAMING_BYTES_PER_MS;
  }

  /** Sends until the file has its name. */
  async finish(): Promise<PutReply> {
    const { memory, signal } = this.#upload;
    this.#place = parseUploadPlace((await memory?.find()) ?? "");
    this.#aliveAtMs = performance.now();
    for (;;) {
      signal?.throwIfAborted();
      const place = this.#place ?? (await this.#begin());
      try {
        const { reply } = await this.#goOn(place);
        if (reply === undefined) throw AttemptFailure.invalidResponse("the server has the file and did not name it");
        await memory?.forget();
        return reply;
      } catch (thrown) {
        signal?.throwIfAborted();
        await this.#recover(place, thrown);
      }
    }
  }

  digest(): Promise<string> {
    return this.#source.digest();
  }

  /** Ends the upload at the server, unless somebody may want to go on with it. */
  async giveUp(thrown: unknown): Promise<void> {
    const { memory, signal } = this.#upload;
    const isOursToMend = thrown instanceof KoboldError && thrown.rule.status < 500;
    if (memory !== undefined && (signal?.aborted === true || !isOursToMend)) return;
    if (this.#place !== undefined) await this.#resource.end(this.#place);
    await memory?.forget();
  }

  async #begin(): Promise<UploadPlace> {
    const { sizeBytes, metadata, signal, memory } = this.#upload;
    const create = (server: string) => this.#resource.create(server, { sizeBytes, metadata, signal });
    const place = await this.#session.run(create, this.#budget, signal);
    this.#place = place;
    this.#offset = 0;
    this.#aliveAtMs = performance.now();
    await memory?.keep(formatUploadPlace(place));
    return place;
  }

  async #goOn(place: UploadPlace): Promise<UploadState> {
    const { signal, sizeBytes } = this.#upload;
    const known = this.#offset;
    this.#offset = undefined;
    if (known !== undefined) return this.#send(place, known);
    const state = await this.#resource.ask(place, { signal, answerMs: this.#answerMs });
    if (state.sizeBytes !== sizeBytes) {
      throw new AttemptFailure(new KoboldError("upload_not_found", "the upload is another file's"), {
        retryable: false,
        avoidServer: false,
      });
    }
    if (state.reply !== undefined) return state;
    return this.#send(place, state.offset);
  }

  async #send(place: UploadPlace, offset: number): Promise<UploadState> {
    const { signal, sizeBytes } = this.#upload;
    const watch = new StallWatch(this.#session.options.responseTimeoutMs);
    const reader = new RestReader(this.#source.readFrom(offset));
    watch.disarm();
    try {
      // What comes before the offset may have to be read first, for its digest: no server shall wait for that.
      await reader.prepare();
      const body = reader.read(watch, (bytes) => this.#noteSent(offset + bytes));
      return await this.#resource.send(place, {
        ...{ offset, sizeBytes, body, answerMs: this.#answerMs },
        signal: signal === undefined ? watch.signal : AbortSignal.any([signal, watch.signal]),
      });
    } catch (thrown) {
      signal?.throwIfAborted();
      throw explainFailure(thrown, reader.failure, this.#previous);
    } finally {
      watch.stop();
    }
  }

  #noteSent(position: number): void {
    const nowMs = performance.now();
    this.#aliveAtMs = nowMs;
    this.#budget.noteProgress(position, nowMs);
    this.#upload.onProgress?.(position);
  }

  /** Decides whether to go on here, to begin again or to give up; pauses where that is wise. */
  async #recover(place: UploadPlace, thrown: unknown): Promise<void> {
    if (!(thrown instanceof AttemptFailure)) throw thrown;
    const { code } = thrown.error;
    this.#previous = thrown.error;
    if (!this.#budget.allowsAttempt(performance.now())) throw thrown.error;
    if (code === "upload_offset_mismatch") return;
    if (code === "digest_mismatch") throwIfAnotherThanAnnounced(await this.digest(), this.#upload);
    if (BEGIN_AGAIN.has(code)) return this.#leave();
    this.#session.noteFailure(place.server, thrown);
    const hasOthers = this.#session.options.servers.some((server) => server !== place.server);
    if (hasOthers && performance.now() - this.#aliveAtMs > this.#patienceMs()) return this.#leave();
    const backoffMs = this.#budget.nextBackoffMs(performance.now(), thrown.options.retryAfterMs);
    if (backoffMs === undefined) throw thrown.error;
    await pause(backoffMs, this.#upload.signal);
  }

  /** Others need time to be tried too. */
  #patienceMs(): number {
    return Math.min(PATIENCE_MS, this.#session.options.deadlineMs / 2);
  }

  async #leave(): Promise<void> {
    this.#place = undefined;
    await this.#upload.memory?.forget();
  }
}

/** What is left of a source, passed on while a watch sees whose turn it is. */
class RestReader {
  /** What the source failed with. */
  failure: unknown;
  readonly #source: AsyncGenerator<Uint8Array>;
  #next: IteratorResult<Uint8Array> | undefined;

  constructor(source: AsyncGenerator<Uint8Array>) {
    this.#source = source;
  }

  /** Reads up to the first piece that is to be sent. */
  async prepare(): Promise<void> {
    this.#next = await this.#pull();
  }

  async *read(watch: StallWatch, onSent: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    let sentBytes = 0;
    try {
      for (let next = this.#next ?? (await this.#pull()); next.done !== true; next = await this.#pull()) {
        watch.arm();
        yield next.value;
        watch.disarm();
        sentBytes += next.value.length;
        onSent(sentBytes);
      }
    } finally {
      await this.#source.return(undefined);
    }
  }

  async #pull(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#source.next();
    } catch (thrown) {
      this.failure = thrown;
      throw thrown;
    }
  }
}
