import { join } from "node:path";
import { crc32 } from "node:zlib";
import { SHARDS } from "../../../model/folder-shard.js";
import type { FileSystem } from "../../../runtime/file-system.js";
import type { OrderedPass } from "../../scrub-coverage.js";
import { isMissing } from "../disk-error.js";

export const COVERAGE_FILE = "scrub.coverage";

/** Text that begins the file, and its format. */
const MAGIC = Buffer.from("kfscrub1");
/** Magic, checksum of what follows, second of the order, whether it repairs. */
const HEADER_BYTES = 24;
const FILE_BYTES = HEADER_BYTES + SHARDS * 4;

/**
 * `<volume>/scrub.coverage`: when each folder shard was last read and found good, 65,536 seconds of the wall clock in
 * 256 KiB, and the pass that somebody ordered last. Losing it costs reading again, so a file that is not whole counts as
 * none.
 */
export class CoverageFile {
  readonly stamps = new Uint32Array(SHARDS);
  ordered: OrderedPass | undefined;
  readonly #files: FileSystem;
  readonly #folder: string;

  private constructor(files: FileSystem, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  static async load(files: FileSystem, folder: string): Promise<CoverageFile> {
    const coverage = new CoverageFile(files, folder);
    const bytes = await coverage.#read();
    if (bytes !== undefined) coverage.#take(bytes);
    return coverage;
  }

  /** Replaces the file as a whole; durable when it resolves. */
  async save(): Promise<void> {
    const path = join(this.#folder, COVERAGE_FILE);
    const temporary = `${path}.new`;
    await this.#files.unlink(temporary).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    const file = await this.#files.open(temporary, "create");
    try {
      await file.write([this.#format()]);
      await file.syncData();
    } finally {
      await file.close();
    }
    await this.#files.rename(temporary, path);
    await this.#files.syncFolder(this.#folder);
  }

  #format(): Buffer {
    const bytes = Buffer.alloc(FILE_BYTES);
    MAGIC.copy(bytes);
    bytes.writeUInt32LE(this.ordered?.second ?? 0, 12);
    bytes.writeUInt32LE(this.ordered?.repairs === true ? 1 : 0, 16);
    for (const [shard, second] of this.stamps.entries()) bytes.writeUInt32LE(second, HEADER_BYTES + shard * 4);
    bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
    return bytes;
  }

  async #read(): Promise<Buffer | undefined> {
    try {
      const file = await this.#files.open(join(this.#folder, COVERAGE_FILE), "read");
      try {
        const bytes = Buffer.alloc(FILE_BYTES);
        return (await file.read(bytes, 0)) === FILE_BYTES ? bytes : undefined;
      } finally {
        await file.close();
      }
    } catch {
      // There is none, or the disk cannot read it: no reason for a node not to start, since all that it costs is reading again.
      return undefined;
    }
  }

  #take(bytes: Buffer): void {
    const isWhole =
      bytes.subarray(0, MAGIC.length).equals(MAGIC) && bytes.readUInt32LE(8) === crc32(bytes.subarray(12));
    if (!isWhole) return;
    const second = bytes.readUInt32LE(12);
    if (second > 0) this.ordered = { second, repairs: bytes.readUInt32LE(16) === 1 };
    for (let shard = 0; shard < SHARDS; shard += 1) this.stamps[shard] = bytes.readUInt32LE(HEADER_BYTES + shard * 4);
  }
}
