import { SHARDS } from "../../../model/folder-shard.js";
import type { CoverageSummary, OrderedPass, ScrubCoverage } from "../../scrub-coverage.js";
import { toDiskError } from "../disk-error.js";
import type { DiskVolume } from "../disk-volume.js";
import { CoverageFile } from "./coverage-file.js";

interface Entry {
  readonly volume: DiskVolume;
  readonly file: CoverageFile;
  isChanged: boolean;
}

/** The coverage of a node's volumes, each in a file on the volume itself: it moves with the disk. */
export class VolumeCoverage implements ScrubCoverage {
  readonly #entries: readonly Entry[];

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    for (const entry of entries) {
      // Nobody knows what happened to it meanwhile, and what was fetched again elsewhere is here twice.
      entry.volume.watchReturn(() => {
        entry.file.stamps.fill(0);
        entry.isChanged = true;
      });
    }
  }

  static async load(volumes: readonly DiskVolume[]): Promise<VolumeCoverage> {
    const entries = [];
    for (const volume of volumes) {
      entries.push({ volume, file: await CoverageFile.load(volume.files, volume.path), isChanged: false });
    }
    return new VolumeCoverage(entries);
  }

  /** The newest one: a volume that was out did not hear of it. */
  get ordered(): OrderedPass | undefined {
    const orders = this.#entries.map(({ file }) => file.ordered).filter((one) => one !== undefined);
    return orders.sort((a, b) => b.second - a.second)[0];
  }

  order(pass: OrderedPass): void {
    for (const entry of this.#entries) {
      entry.file.ordered = pass;
      entry.isChanged = true;
    }
  }

  findDue(from: number, second: number): number | undefined {
    const all = this.#inService().map(({ file }) => file.stamps);
    for (let shard = from; shard < SHARDS; shard += 1) {
      if (all.some((stamps) => (stamps[shard] ?? 0) < second)) return shard;
    }
    return undefined;
  }

  prove(volumes: readonly string[], { from, to, second }: { from: number; to: number; second: number }): void {
    for (const entry of this.#inService().filter(({ volume }) => volumes.includes(volume.id))) {
      entry.file.stamps.fill(second, from, to + 1);
      entry.isChanged = true;
    }
  }

  summarize(second: number): CoverageSummary {
    const inService = this.#inService();
    let proven = 0;
    let oldestSecond = Number.POSITIVE_INFINITY;
    for (const { file } of inService) {
      for (const stamp of file.stamps) {
        if (stamp >= second) proven += 1;
        if (stamp < oldestSecond) oldestSecond = stamp;
      }
    }
    return { shards: inService.length * SHARDS, proven, oldestSecond: inService.length === 0 ? 0 : oldestSecond };
  }

  async save(): Promise<void> {
    for (const entry of this.#inService().filter(({ isChanged }) => isChanged)) {
      entry.isChanged = false;
      try {
        await entry.file.save();
      } catch (error) {
        entry.isChanged = true;
        throw toDiskError(error, `cannot note what was scrubbed on ${entry.volume.path}`);
      }
    }
  }

  #inService(): Entry[] {
    return this.#entries.filter(({ volume }) => !volume.isSuspect);
  }
}
