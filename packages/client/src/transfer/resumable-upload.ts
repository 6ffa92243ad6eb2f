import { KoboldError, type PutReply } from "@koboldfs/protocol";
import { AttemptFailure } from "../session/attempt-failure.js";
import { pause } from "../session/pause.js";
import type { RetryBudget } from "../session/retry-budget.js";
import type { Session } from "../session/session.js";
import type { BoundMemory } from "./bound-memory.js";
import type { UploadWay } from "./upload-way.js";
import {
  formatUploadPlace,
  parseUploadPlace,
  type UploadPlace,
  UploadResource,
  type UploadState,
} from "./upload-resource.js";
import { throwIfAnotherThanAnnounced, type Upload, withdraw } from "./upload.js";

export interface ResumableUpload extends Pick<Upload, "path" | "announced" | "signal" | "onProgress"> {
  readonly way: UploadWay;
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
  readonly #answerMs: number;
  #place: UploadPlace | undefined;
  /** Undefined when only the server knows. */
  #offset: number | undefined;
  /** When the server last took something. */
  #aliveAtMs = 0;
  #previous: KoboldError | undefined;

  constructor(session: Session, upload: ResumableUpload, budget: RetryBudget) {
    this.#session = session;
    this.#upload = upload;
    this.#budget = budget;
    this.#resource = new UploadResource(session);
    this.#answerMs = session.options.responseTimeoutMs + upload.sizeBytes / NAMING_BYTES_PER_MS;
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
        const { reply, offset } = await this.#goOn(place);
        this.#offset = offset;
        if (reply === undefined) continue;
        await memory?.forget();
        return reply;
      } catch (thrown) {
        signal?.throwIfAborted();
        await this.#recover(place, thrown);
      }
    }
  }

  digest(): Promise<string> {
    return this.#upload.way.digest();
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
    const state = await this.#upload.way.send(
      { resource: this.#resource, place, offset, sizeBytes: this.#upload.sizeBytes },
      {
        signal: this.#upload.signal,
        answerMs: this.#answerMs,
        takeMs: this.#session.options.responseTimeoutMs,
        previous: this.#previous,
        onSent: (position) => this.#noteSent(position),
      },
    );
    if (state.reply !== undefined) return state;
    if (state.offset >= this.#upload.sizeBytes) {
      throw AttemptFailure.invalidResponse("the server has the file and did not name it");
    }
    if (state.offset > offset) return state;
    throw AttemptFailure.invalidResponse("the server took the bytes and has no more than before");
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
