import { crc32 } from "node:zlib";
import type { UploadRecord } from "../../../model/upload.js";
import { crashPoint } from "../../../runtime/crash-points.js";
import type { OpenFile } from "../../../runtime/file-system.js";
import type { UploadAppend } from "../../upload-store.js";
import { isMissing } from "../disk-error.js";
import type { UploadFolder } from "./upload-folder.js";

/** Chunks are gathered up to this size before they go to the disk, as for blobs. */
const GATHER_BYTES = 256 * 1024;

/** Bytes on their way to the end of an upload's file. */
export class DiskUploadAppend implements UploadAppend {
  readonly #folder: UploadFolder;
  #record: UploadRecord;
  #crc: number;
  #file: OpenFile | undefined;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Bytes that went to the disk since the last checkpoint, or may have. */
  #unnotedBytes = 0;
  /** Whether a record that counts them may be on the disk, although noting it failed. */
  #isInDoubt = false;
  /** At most one write is under way while the next bytes arrive. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: UploadFolder, record: UploadRecord, file: OpenFile) {
    this.#folder = folder;
    this.#record = record;
    this.#crc = record.crc;
    this.#file = file;
  }

  /** Cuts off what an earlier process wrote and did not live to note. */
  static open(folder: UploadFolder, record: UploadRecord): Promise<DiskUploadAppend> {
    return folder.told("open", async () => {
      folder.checkWritable();
      const file = await openBytes(folder, record);
      return new DiskUploadAppend(folder, record, file);
    });
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#crc = crc32(chunk, this.#crc);
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= GATHER_BYTES) await this.#folder.told("write", () => this.#flush());
  }

  async checkpoint(expiresMs: number): Promise<UploadRecord> {
    const file = this.#mustFile();
    await this.#folder.told("write", async () => {
      await this.#flush();
      await this.#writing;
      crashPoint("upload.piece.before-fsync");
      if (this.#unnotedBytes > 0) await this.#folder.syncFile(file);
      crashPoint("upload.piece.fsynced");
    });
    const offset = this.#record.offset + this.#unnotedBytes;
    const record = { ...this.#record, offset, crc: this.#crc, expiresMs };
    this.#isInDoubt = true;
    await this.#folder.save(record);
    this.#isInDoubt = false;
    this.#unnotedBytes = 0;
    this.#record = record;
    return record;
  }

  async close(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#gathered = [];
    // A descriptor must not be closed under a call that still uses it.
    await this.#writing.catch(() => {});
    try {
      if (this.#unnotedBytes > 0 && !this.#isInDoubt) await file.truncate(this.#record.offset);
    } catch (err) {
      this.#warn(err, "bytes that do not count stay at the end of an upload until it goes on");
    }
    await file.close().catch((err: unknown) => this.#warn(err, "cannot close the file of an upload"));
  }

  /** Starts writing what was gathered once the write before it is done. */
  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#gathered.length === 0) return;
    const chunks = this.#gathered;
    const bytes = this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#unnotedBytes += bytes;
    this.#writing = this.#writeOut(chunks, bytes);
    // Whoever awaits the field next is told; until then a failure must not count as unhandled.
    this.#writing.catch(() => {});
  }

  async #writeOut(chunks: readonly Uint8Array[], bytes: number): Promise<void> {
    await this.#folder.space.check(bytes);
    await this.#mustFile().write(chunks);
  }

  #mustFile(): OpenFile {
    if (this.#file === undefined) throw new Error("an append that was closed takes nothing more");
    return this.#file;
  }

  #warn(err: unknown, message: string): void {
    this.#folder.logger.warn({ event: "upload_cleanup_failed", upload: this.#record.id, err }, message);
  }
}

async function openBytes(folder: UploadFolder, { id, offset }: UploadRecord): Promise<OpenFile> {
  const { files } = folder;
  const path = folder.bytesPath(id);
  try {
    const file = await files.open(path, "append");
    try {
      await file.truncate(offset);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    if (offset > 0 || !isMissing(error)) throw error;
    return files.open(path, "create");
  }
}
