import { createHash } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";
import type { UploadAppend, UploadStore } from "../../blobs/upload-store.js";
import type { UploadRecord } from "../../model/upload.js";
import type { Clock } from "../../runtime/clock.js";
import type { PieceChecksum, UploadPiece } from "./upload-request.js";
import { untilAborted } from "./until-aborted.js";

/**
 * A checkpoint costs three fsyncs, some ten milliseconds; a process that is killed loses what came after the last one.
 * So much a fast link sends in about a second, and a slow one gets a checkpoint by time.
 */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;
const CHECKPOINT_MS = 5_000;

export interface ReceiveOptions {
  readonly store: UploadStore;
  readonly clock: Clock;
  readonly ttlMs: number;
  readonly piece: UploadPiece;
  /** Fired when somebody else needs the upload: what arrived is kept, and its reason is thrown. */
  readonly interrupted: AbortSignal;
  /** Told of every checkpoint. */
  readonly onCheckpoint: (record: UploadRecord) => void;
}

/**
 * Stores a piece behind what is there. When the body breaks off, what arrived of it counts, unless it has a checksum.
 * Throws `body_too_long`, `body_too_short`, `checksum_mismatch`, `disk_full`, `disk_failed`.
 */
export async function receivePiece(record: UploadRecord, options: ReceiveOptions): Promise<void> {
  const { piece, interrupted } = options;
  const receiver = new PieceReceiver(record, options);
  try {
    for await (const chunk of untilAborted(piece.body, interrupted)) await receiver.take(chunk);
    piece.signal?.throwIfAborted();
    await receiver.finish();
  } catch (error) {
    if (isOfTheWay(error, interrupted)) await receiver.keep();
    throw error;
  } finally {
    await receiver.close();
  }
}

/** Whether the piece was right as far as it came. */
function isOfTheWay(error: unknown, interrupted: AbortSignal): boolean {
  return interrupted.aborted || (error instanceof KoboldError && error.code === "body_too_short");
}

class PieceReceiver {
  readonly #options: ReceiveOptions;
  readonly #record: UploadRecord;
  readonly #checksum: ChecksumCheck | undefined;
  #append: UploadAppend | undefined;
  #arrivedBytes = 0;
  #uncountedBytes = 0;
  #countedAtMs: number;

  constructor(record: UploadRecord, options: ReceiveOptions) {
    this.#record = record;
    this.#options = options;
    this.#checksum = options.piece.checksum && new ChecksumCheck(options.piece.checksum);
    this.#countedAtMs = options.clock.monotonic();
  }

  async take(chunk: Uint8Array): Promise<void> {
    const { store } = this.#options;
    const { offset, sizeBytes } = this.#record;
    this.#arrivedBytes += chunk.length;
    if (offset + this.#arrivedBytes > sizeBytes) {
      throw new KoboldError("body_too_long", `the upload has ${sizeBytes} bytes in all; more arrived`);
    }
    if (chunk.length === 0) return;
    this.#append ??= await store.append(this.#record);
    this.#checksum?.add(chunk);
    await this.#append.write(chunk);
    this.#uncountedBytes += chunk.length;
    if (this.#checksum === undefined && this.#isDue()) await this.#checkpoint();
  }

  async finish(): Promise<void> {
    const announced = this.#options.piece.sizeBytes;
    if (announced !== undefined && this.#arrivedBytes < announced) {
      throw new KoboldError("body_too_short", `${this.#arrivedBytes} of the announced ${announced} bytes arrived`);
    }
    this.#checksum?.end();
    await this.#checkpoint();
  }

  /** Counts what arrived of a piece that broke off. */
  async keep(): Promise<void> {
    if (this.#checksum === undefined) await this.#checkpoint();
  }

  async close(): Promise<void> {
    await this.#append?.close();
  }

  async #checkpoint(): Promise<void> {
    if (this.#append === undefined || this.#uncountedBytes === 0) return;
    const { clock, ttlMs, onCheckpoint } = this.#options;
    onCheckpoint(await this.#append.checkpoint(clock.now() + ttlMs));
    this.#uncountedBytes = 0;
    this.#countedAtMs = clock.monotonic();
  }

  #isDue(): boolean {
    const ageMs = this.#options.clock.monotonic() - this.#countedAtMs;
    return this.#uncountedBytes >= CHECKPOINT_BYTES || ageMs >= CHECKPOINT_MS;
  }
}

class ChecksumCheck {
  readonly #announced: PieceChecksum;
  readonly #hash;

  constructor(announced: PieceChecksum) {
    this.#announced = announced;
    this.#hash = createHash(announced.algorithm);
  }

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  end(): void {
    const { algorithm, digest } = this.#announced;
    const found = this.#hash.digest("hex");
    if (found === digest) return;
    throw new KoboldError("checksum_mismatch", `the piece has ${algorithm} ${found}, announced was ${digest}`);
  }
}
