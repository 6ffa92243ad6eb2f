import { KoboldError } from "@koboldfs/protocol";
import type { UploadId, UploadOutcome, UploadRecord } from "../../../model/upload.js";
import type { UploadAppend, UploadStore } from "../../upload-store.js";
import type { DiskVolume } from "../disk-volume.js";
import { DiskUploadAppend } from "./disk-upload-append.js";
import type { UploadFolder } from "./upload-folder.js";

/** The uploads of a node: each on one of its volumes, a new one where most room is. */
export class DiskUploadStore implements UploadStore {
  readonly #volumes: readonly DiskVolume[];

  constructor(volumes: readonly DiskVolume[]) {
    this.#volumes = volumes;
  }

  async load(): Promise<UploadRecord[]> {
    const records = [];
    for (const { uploads } of this.#volumes) records.push(...(await uploads.load()));
    return records;
  }

  async create(record: UploadRecord): Promise<void> {
    const { uploads } = await this.#roomiest();
    await uploads.checkRoom(record.sizeBytes);
    await uploads.save(record);
  }

  append(record: UploadRecord): Promise<UploadAppend> {
    return DiskUploadAppend.open(this.#home(record.id), record);
  }

  read(record: UploadRecord): AsyncIterable<Uint8Array> {
    return this.#home(record.id).read(record);
  }

  async settle(record: UploadRecord, outcome: UploadOutcome): Promise<UploadRecord> {
    const settled = { ...record, outcome };
    const home = this.#home(record.id);
    await home.save(settled);
    await home.removeBytes(record.id);
    return settled;
  }

  async remove(id: UploadId): Promise<boolean> {
    const home = this.#findHome(id);
    await home?.remove(id);
    return home !== undefined;
  }

  async #roomiest(): Promise<DiskVolume> {
    const rooms = [];
    for (const volume of this.#volumes.filter(({ isSuspect }) => !isSuspect)) {
      const { freeBytes } = await volume.room();
      rooms.push({ volume, left: freeBytes - volume.uploads.outstandingBytes() });
    }
    const [best] = rooms.sort((a, b) => b.left - a.left);
    if (best === undefined) throw new KoboldError("disk_failed", "every volume of this node failed earlier");
    return best.volume;
  }

  #findHome(id: UploadId): UploadFolder | undefined {
    return this.#volumes.find(({ uploads }) => uploads.has(id))?.uploads;
  }

  #home(id: UploadId): UploadFolder {
    const home = this.#findHome(id);
    if (home === undefined) throw new KoboldError("upload_not_found", `there is no upload ${id}`);
    return home;
  }
}
