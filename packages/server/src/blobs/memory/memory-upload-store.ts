import { KoboldError } from "@koboldfs/protocol";
import { crc32 } from "node:zlib";
import type { UploadId, UploadOutcome, UploadRecord } from "../../model/upload.js";
import type { UploadAppend, UploadStore } from "../upload-store.js";

interface MemoryUpload {
  record: UploadRecord;
  /** What the record counts. */
  bytes: Buffer;
}

/** Uploads in this process's memory: what tests above the store use instead of a disk. */
export class MemoryUploadStore implements UploadStore {
  readonly #uploads = new Map<UploadId, MemoryUpload>();
  /** Bytes that all uploads together may have; a disk is full some day. */
  capacityBytes = Number.POSITIVE_INFINITY;

  /** Bytes held now. */
  get heldBytes(): number {
    return [...this.#uploads.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  async load(): Promise<UploadRecord[]> {
    return Array.from(this.#uploads.values(), ({ record }) => record);
  }

  async create(record: UploadRecord): Promise<void> {
    const open = [...this.#uploads.values()].filter(({ record: { outcome } }) => outcome === undefined);
    const outstanding = open.reduce((sum, { record: { sizeBytes, offset } }) => sum + sizeBytes - offset, 0);
    this.#checkRoom(outstanding + record.sizeBytes);
    this.#uploads.set(record.id, { record, bytes: Buffer.alloc(0) });
  }

  async append({ id }: UploadRecord): Promise<UploadAppend> {
    const upload = this.#get(id);
    let chunks: Uint8Array[] = [];
    return {
      write: async (chunk) => {
        this.#checkRoom(chunk.length);
        chunks.push(chunk);
      },
      checkpoint: async (expiresMs) => {
        upload.bytes = Buffer.concat([upload.bytes, ...chunks]);
        chunks = [];
        upload.record = { ...upload.record, offset: upload.bytes.length, crc: crc32(upload.bytes), expiresMs };
        return upload.record;
      },
      close: async () => {
        chunks = [];
      },
    };
  }

  async *read({ id, crc, offset }: UploadRecord): AsyncGenerator<Uint8Array> {
    const bytes = this.#get(id).bytes.subarray(0, offset);
    if (crc32(bytes) !== crc) throw new KoboldError("digest_mismatch", "the bytes that arrived are damaged");
    if (bytes.length > 0) yield bytes;
  }

  async settle(record: UploadRecord, outcome: UploadOutcome): Promise<UploadRecord> {
    const upload = this.#get(record.id);
    upload.bytes = Buffer.alloc(0);
    upload.record = { ...record, outcome };
    return upload.record;
  }

  async remove(id: UploadId): Promise<boolean> {
    return this.#uploads.delete(id);
  }

  /** For tests: changes a byte that arrived, as a failing disk would. */
  damage(id: UploadId): void {
    const { bytes } = this.#get(id);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
  }

  #checkRoom(moreBytes: number): void {
    if (this.heldBytes + moreBytes > this.capacityBytes) throw new KoboldError("disk_full", "the memory store is full");
  }

  #get(id: UploadId): MemoryUpload {
    const upload = this.#uploads.get(id);
    if (upload === undefined) throw new KoboldError("upload_not_found", `there is no upload ${id}`);
    return upload;
  }
}
