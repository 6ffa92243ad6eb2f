import { KoboldError, type PutReply } from "@koboldfs/protocol";
import type { UploadStore } from "../../blobs/upload-store.js";
import { isComplete, outcomeOfFailure, type UploadRecord } from "../../model/upload.js";
import { crashPoint } from "../../runtime/crash-points.js";
import type { FileContext } from "../file-context.js";
import type { FileService } from "../file-service.js";
import { receivePiece } from "./receive-piece.js";
import { untilAborted } from "./until-aborted.js";
import type { UploadPiece } from "./upload-request.js";

export interface UploadGround {
  readonly files: FileService;
  readonly context: FileContext;
  readonly store: UploadStore;
  readonly ttlMs: number;
}

/** What runs with an upload now. */
interface Turn {
  /** While a file is being named, only its end stops it. */
  phase: "receiving" | "naming";
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/**
 * One upload and its turns, of which one runs at a time: a piece arrives, or the file is named. A piece whose sender
 * fell silent holds its turn until the connection is given up; whoever asks for the offset in order to go on ends it.
 */
export class Upload {
  readonly #ground: UploadGround;
  #record: UploadRecord;
  #turn: Turn | undefined;
  #isRemoved = false;

  constructor(ground: UploadGround, record: UploadRecord) {
    this.#ground = ground;
    this.#record = record;
  }

  get record(): UploadRecord {
    return this.#record;
  }

  get isBusy(): boolean {
    return this.#turn !== undefined;
  }

  /**
   * Takes a piece; the one that completes the upload names the file. Throws `upload_locked`, `upload_offset_mismatch`,
   * what `receivePiece` and a put throw.
   */
  take(piece: UploadPiece): Promise<UploadRecord> {
    return this.#run(async (turn) => {
      const { offset, sizeBytes } = this.#record;
      if (piece.offset !== offset) {
        throw new KoboldError("upload_offset_mismatch", `the offset is ${offset}, not ${piece.offset}`);
      }
      if (offset + (piece.sizeBytes ?? 0) > sizeBytes) {
        throw new KoboldError("body_too_long", `the upload has ${sizeBytes} bytes in all`);
      }
      await receivePiece(this.#record, {
        ...{ store: this.#ground.store, clock: this.#ground.context.clock, ttlMs: this.#ground.ttlMs, piece },
        interrupted: turn.stop.signal,
        onCheckpoint: (record) => {
          this.#record = record;
        },
      });
      return this.#nameIfComplete(turn);
    });
  }

  /**
   * Where to go on. Ends a piece that is still arriving, whose bytes count; of a complete upload it waits for the outcome,
   * or names the file if that failed before: a client that sees the last offset takes its file for stored.
   */
  async resume(): Promise<UploadRecord> {
    await this.#takeOver((turn) => turn.phase === "receiving");
    return this.#run((turn) => this.#nameIfComplete(turn));
  }

  /** Forgets the upload; a file that is named by now stays. */
  async remove(): Promise<void> {
    await this.#takeOver(() => true);
    await this.#run(async () => {
      this.#isRemoved = true;
      await this.#ground.store.remove(this.#record.id);
    });
  }

  /** Ends what runs; nothing is named after it. */
  async stop(): Promise<void> {
    await this.#takeOver(() => true);
  }

  async #takeOver(mayStop: (turn: Turn) => boolean): Promise<void> {
    for (let turn = this.#turn; turn !== undefined; turn = this.#turn) {
      if (mayStop(turn)) turn.stop.abort(new KoboldError("upload_locked", "another request needs this upload"));
      await turn.ended;
    }
  }

  async #run<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    if (this.#turn !== undefined) throw new KoboldError("upload_locked", "another request sends this upload");
    if (this.#isRemoved) throw new KoboldError("upload_not_found", `the upload ${this.#record.id} was ended`);
    const { promise: ended, resolve: end } = newSignal();
    const turn: Turn = { phase: "receiving", stop: new AbortController(), ended };
    this.#turn = turn;
    try {
      return await work(turn);
    } finally {
      this.#turn = undefined;
      end();
    }
  }

  async #nameIfComplete(turn: Turn): Promise<UploadRecord> {
    if (isComplete(this.#record) && this.#record.outcome === undefined) {
      turn.phase = "naming";
      crashPoint("upload.naming.before");
      await this.#name(turn.stop.signal);
      crashPoint("upload.settled");
    }
    return orThrow(this.#record);
  }

  async #name(signal: AbortSignal): Promise<void> {
    try {
      this.#record = { ...this.#record, outcome: { reply: await this.#put(signal) } };
    } catch (error) {
      const outcome = signal.aborted ? undefined : outcomeOfFailure(error);
      if (outcome === undefined) throw error;
      this.#record = { ...this.#record, outcome };
    }
    crashPoint("upload.naming.done");
    await this.#settle();
  }

  /** The very same way as any put. A repetition after a crash gets the first answer, for it has the first one's key. */
  #put(signal: AbortSignal): Promise<PutReply> {
    const { files, store } = this.#ground;
    const { id, intent, sizeBytes } = this.#record;
    return files.put({
      ...intent,
      idempotencyKey: intent.idempotencyKey ?? `upload-${id}`,
      body: untilAborted(store.read(this.#record), signal),
      sizeBytes,
      signal,
    });
  }

  /** The catalog knows the outcome: when this node cannot note it, a repetition finds it out again. */
  async #settle(): Promise<void> {
    const { store, context, ttlMs } = this.#ground;
    const { outcome, ...record } = this.#record;
    if (outcome === undefined) return;
    try {
      this.#record = await store.settle({ ...record, expiresMs: context.clock.now() + ttlMs }, outcome);
    } catch (err) {
      context.log.warn({ event: "upload_not_settled", upload: record.id, err }, "cannot note what became of an upload");
    }
  }
}

function orThrow(record: UploadRecord): UploadRecord {
  const { outcome } = record;
  if (outcome === undefined || "reply" in outcome) return record;
  throw new KoboldError(outcome.failure.code, outcome.failure.message);
}

function newSignal(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
