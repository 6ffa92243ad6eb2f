import { join } from "node:path";
import { crc32 } from "node:zlib";
import { KoboldError } from "@koboldfs/protocol";
import type { UploadId, UploadRecord } from "../../../model/upload.js";
import { isUploadId } from "../../../model/upload.js";
import { crashPoint } from "../../../runtime/crash-points.js";
import type { FileSystem, OpenFile } from "../../../runtime/file-system.js";
import type { Logger } from "../../../runtime/logger.js";
import { READ_CHUNK_BYTES } from "../../verified-bytes.js";
import { isBeforeDisk, isDeviceFailing, isDiskFull, isMissing, toDiskError } from "../disk-error.js";
import type { VolumeHealth } from "../volume-health.js";
import type { VolumeSpace } from "../volume-space.js";
import { findUploadRecord, formatUploadRecord } from "./upload-record.js";

/** A record repeats its request's headers, which are 16 KiB at most, twice and escaped. */
const MAX_RECORD_BYTES = 256 * 1024;

export interface UploadFolderOptions {
  readonly files: FileSystem;
  /** `<volume>/uploads`. */
  readonly path: string;
  readonly space: VolumeSpace;
  readonly health: VolumeHealth;
  readonly logger: Logger;
}

/**
 * The uploads of one volume: `<id>.bytes` grows at its end, `<id>.json` says how much of it counts. The record is
 * replaced as a whole, and only after the bytes that it counts were fsynced.
 */
export class UploadFolder {
  readonly files: FileSystem;
  readonly space: VolumeSpace;
  readonly logger: Logger;
  readonly #path: string;
  readonly #health: VolumeHealth;
  /** Bytes that are still to come, by upload. */
  readonly #outstanding = new Map<UploadId, number>();

  constructor({ files, path, space, health, logger }: UploadFolderOptions) {
    this.files = files;
    this.space = space;
    this.logger = logger;
    this.#path = path;
    this.#health = health;
  }

  has(id: UploadId): boolean {
    return this.#outstanding.has(id);
  }

  /** Room for one more upload of this size, beside what the others still await. Throws `disk_full`, `disk_failed`. */
  checkRoom(sizeBytes: number): Promise<void> {
    return this.told("ask for room for", async () => {
      this.checkWritable();
      await this.space.check(this.outstandingBytes() + sizeBytes);
    });
  }

  outstandingBytes(): number {
    return [...this.#outstanding.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Throws `disk_failed` when the volume is suspect. */
  checkWritable(): void {
    this.#health.checkWritable();
  }

  bytesPath(id: UploadId): string {
    return join(this.#path, `${id}.bytes`);
  }

  async load(): Promise<UploadRecord[]> {
    const names = await this.told("list", () => this.files.readdir(this.#path));
    const records: UploadRecord[] = [];
    for (const name of names.filter((one) => one.endsWith(".json"))) {
      const record = await this.#loadOne(name);
      if (record !== undefined) records.push(record);
    }
    await this.#removeOrphans(names);
    return records;
  }

  /** Replaces the record, durably. */
  save(record: UploadRecord): Promise<void> {
    return this.told("note", async () => {
      this.checkWritable();
      const temporary = join(this.#path, `${record.id}.new`);
      await this.#unlinkIfThere(temporary);
      const file = await this.files.open(temporary, "create");
      try {
        await file.write([Buffer.from(formatUploadRecord(record))]);
        await this.syncFile(file);
      } finally {
        await file.close();
      }
      crashPoint("upload.record.before-rename");
      await this.files.rename(temporary, this.#recordPath(record.id));
      crashPoint("upload.record.renamed");
      await this.#syncFolder();
      crashPoint("upload.record.done");
      this.#outstanding.set(record.id, record.outcome === undefined ? record.sizeBytes - record.offset : 0);
    });
  }

  /** Only what the record counts. */
  async *read({ id, offset, crc }: UploadRecord): AsyncGenerator<Buffer> {
    if (offset === 0) return;
    const file = await this.told("open", () => this.files.open(this.bytesPath(id), "read"));
    try {
      let found = 0;
      for (let position = 0; position < offset; ) {
        const piece = Buffer.allocUnsafeSlow(Math.min(READ_CHUNK_BYTES, offset - position));
        const length = await this.told("read", () => file.read(piece, position));
        found = crc32(piece, found);
        position += piece.length;
        if (length < piece.length || (position === offset && found !== crc)) {
          throw new KoboldError("digest_mismatch", "the bytes that arrived are damaged on this node's disk");
        }
        yield piece;
      }
    } finally {
      await file.close();
    }
  }

  removeBytes(id: UploadId): Promise<void> {
    return this.told("remove the bytes of", () => this.#unlinkIfThere(this.bytesPath(id)));
  }

  /** The record first: bytes without one are removed by the next `load`. */
  async remove(id: UploadId): Promise<void> {
    await this.told("remove", async () => {
      await this.#unlinkIfThere(this.#recordPath(id));
      await this.#unlinkIfThere(this.bytesPath(id));
      await this.#syncFolder();
    });
    this.#outstanding.delete(id);
  }

  /** A failed fsync makes the volume suspect; one that found the disk full does not, since what it meant is thrown away. */
  async syncFile(file: OpenFile): Promise<void> {
    try {
      await file.syncData();
    } catch (error) {
      if (!isDiskFull(error)) this.#health.suspect(error);
      throw error;
    }
  }

  /** Gives a failure its code; a failing device makes the volume suspect. */
  async told<T>(doing: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isDeviceFailing(error)) this.#health.lose(error);
      throw toDiskError(error, `cannot ${doing} an upload in ${this.#path}`);
    }
  }

  async #loadOne(name: string): Promise<UploadRecord | undefined> {
    const path = join(this.#path, name);
    const record = findUploadRecord(await this.told("read", () => this.#readText(path)));
    if (record === undefined || name !== `${record.id}.json`) {
      this.logger.error({ event: "upload_unreadable", path }, "a record of an upload makes no sense and is removed");
      await this.told("remove", () => this.#unlinkIfThere(path));
      return undefined;
    }
    const whole = await this.#withoutLostBytes(record);
    this.#outstanding.set(record.id, whole.outcome === undefined ? whole.sizeBytes - whole.offset : 0);
    return whole;
  }

  async #withoutLostBytes(record: UploadRecord): Promise<UploadRecord> {
    if (record.outcome !== undefined || record.offset === 0) return record;
    const found = await this.told("look at", () => this.#sizeOf(this.bytesPath(record.id)));
    if (found >= record.offset) return record;
    const fields = { event: "upload_lost_bytes", upload: record.id, offset: record.offset, found };
    this.logger.error(fields, "the disk lost bytes of an upload that it had fsynced; the upload begins again");
    const begun = { ...record, offset: 0, crc: 0 };
    await this.save(begun);
    return begun;
  }

  async #removeOrphans(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const id = name.slice(0, name.indexOf("."));
      const isRecord = name.endsWith(".json");
      if (isRecord || (name.endsWith(".bytes") && isUploadId(id) && this.has(id))) continue;
      await this.told("remove", () => this.#unlinkIfThere(join(this.#path, name)));
    }
  }

  async #readText(path: string): Promise<string> {
    const file = await this.files.open(path, "read");
    try {
      const { sizeBytes } = await file.stat();
      const bytes = Buffer.alloc(Math.min(sizeBytes, MAX_RECORD_BYTES));
      return bytes.toString("utf8", 0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  }

  async #sizeOf(path: string): Promise<number> {
    return (await this.files.findStat(path))?.sizeBytes ?? 0;
  }

  async #unlinkIfThere(path: string): Promise<void> {
    try {
      await this.files.unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #syncFolder(): Promise<void> {
    try {
      await this.files.syncFolder(this.#path);
    } catch (error) {
      if (!isBeforeDisk(error)) this.#health.suspect(error);
      throw error;
    }
  }

  #recordPath(id: UploadId): string {
    return join(this.#path, `${id}.json`);
  }
}
