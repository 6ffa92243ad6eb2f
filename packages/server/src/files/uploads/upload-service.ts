import { KoboldError } from "@koboldfs/protocol";
import { formatUploadId, isUploadId, nodeOfUpload, type UploadId, type UploadRecord } from "../../model/upload.js";
import { Upload, type UploadGround } from "./upload.js";
import type { UploadCreation, UploadPiece } from "./upload-request.js";

/** Unfinished uploads of one node. Each is a few kilobytes of memory and disk besides its bytes. */
const MAX_UNFINISHED = 1_000;
/** Outcomes that are remembered; of more, the oldest goes before its time. */
const MAX_OUTCOMES = 2_000;

export interface UploadServiceOptions extends UploadGround {
  /** Makes 32 hex digits that nobody guesses. */
  readonly createId: () => string;
}

/** Files that arrive in pieces, with breaks between them: at this node, until the last piece names them. */
export class UploadService {
  readonly #options: UploadServiceOptions;
  readonly #uploads = new Map<UploadId, Upload>();
  #isClosed = false;

  private constructor(options: UploadServiceOptions) {
    this.#options = options;
  }

  /** With the uploads that an earlier process of this node left. Throws `disk_failed`. */
  static async open(options: UploadServiceOptions): Promise<UploadService> {
    const service = new UploadService(options);
    for (const record of await options.store.load()) service.#uploads.set(record.id, new Upload(options, record));
    return service;
  }

  /** Throws what a put is refused with before its body, `disk_full` and `too_many_uploads`. */
  async create({ intent, announced, sizeBytes }: UploadCreation): Promise<UploadRecord> {
    const { context, createId, files, store, ttlMs } = this.#options;
    await files.checkPut({ ...intent, sizeBytes });
    await this.#makePlace();
    const id = formatUploadId(context.cluster.self, createId());
    const record = { id, intent, announced, sizeBytes, offset: 0, crc: 0, expiresMs: context.clock.now() + ttlMs };
    await store.create(record);
    this.#uploads.set(id, new Upload(this.#options, record));
    return sizeBytes === 0 ? this.resume(id) : record;
  }

  /** See `Upload.take`. Throws `upload_not_found`, `upload_expired`. */
  async take(id: string, piece: UploadPiece): Promise<UploadRecord> {
    return this.#get(id).take(piece);
  }

  /** See `Upload.resume`. Throws `upload_not_found`, `upload_expired`. */
  async resume(id: string): Promise<UploadRecord> {
    return this.#get(id).resume();
  }

  /** How it stands, without touching what runs. Throws `upload_not_found`, `upload_expired`. */
  look(id: string): UploadRecord {
    return this.#get(id).record;
  }

  /** Forgets the upload and its bytes. Throws `upload_not_found`. */
  async remove(id: string): Promise<void> {
    const upload = this.#get(id);
    await upload.remove();
    this.#uploads.delete(upload.record.id);
  }

  /** Where clients reach the upload. */
  urlOf(id: UploadId): string {
    return `${this.#urlOfNode(id) ?? ""}/v1/uploads/${id}`;
  }

  /** Forgets at most `limit` uploads whose time is over; answers how many. */
  async removeExpired(limit: number): Promise<number> {
    const expired = [...this.#uploads.values()].filter((upload) => this.#isOver(upload)).slice(0, limit);
    for (const upload of expired) await this.#forget(upload);
    return expired.length;
  }

  /** Ends what runs. What arrived stays for the next process of this node. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Array.from(this.#uploads.values(), (upload) => upload.stop()));
  }

  #get(text: string): Upload {
    if (this.#isClosed) throw new KoboldError("shutting_down", "this node is stopping");
    const upload = isUploadId(text) ? this.#uploads.get(text) : undefined;
    if (upload === undefined) throw this.#missing(text);
    if (this.#isOver(upload)) throw new KoboldError("upload_expired", "too long nothing came of this upload");
    return upload;
  }

  #missing(text: string): KoboldError {
    const { self } = this.#options.context.cluster;
    const url = isUploadId(text) && nodeOfUpload(text) !== self ? this.#urlOfNode(text) : undefined;
    return new KoboldError(
      "upload_not_found",
      url === undefined ? "there is no such upload" : `this upload is at ${url}, where it was begun`,
    );
  }

  #urlOfNode(id: UploadId): string | undefined {
    return this.#options.context.cluster.nodes().find((node) => node.id === nodeOfUpload(id))?.url;
  }

  /** An upload of which something is under way is never over. */
  #isOver({ record, isBusy }: Upload): boolean {
    return !isBusy && record.expiresMs <= this.#options.context.clock.now();
  }

  async #makePlace(): Promise<void> {
    const all = [...this.#uploads.values()];
    const settled = all.filter(({ record }) => record.outcome !== undefined);
    if (all.length - settled.length >= MAX_UNFINISHED) {
      throw new KoboldError("too_many_uploads", `${MAX_UNFINISHED} uploads are unfinished here`);
    }
    if (settled.length < MAX_OUTCOMES) return;
    const [oldest] = settled.sort((a, b) => a.record.expiresMs - b.record.expiresMs);
    if (oldest !== undefined) await this.#forget(oldest);
  }

  async #forget(upload: Upload): Promise<void> {
    await upload.remove();
    this.#uploads.delete(upload.record.id);
  }
}
