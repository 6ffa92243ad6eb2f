import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CoverageFile } from "../blobs/disk/scrub/coverage-file.js";
import { DiskScrubStore } from "../blobs/disk/scrub/disk-scrub-store.js";
import { createPlainReader, type ShardReader } from "../blobs/disk/scrub/shard-reader.js";
import { ThreadedShardReader } from "../blobs/disk/scrub/threaded-shard-reader.js";
import { VolumeCoverage } from "../blobs/disk/scrub/volume-coverage.js";
import type { DiskVolume } from "../blobs/disk/disk-volume.js";
import { type MadeVolumes, makeVolumes, pathsOf } from "../blobs/disk/test-volumes.js";
import { systemClock } from "../runtime/clock.js";
import { systemFileSystem } from "../runtime/file-system.js";
import { putText, refOf, ScrubWorld } from "./test-scrub-world.js";

const TEXTS = Array.from({ length: 20 }, (_, index) => `text ${index}`);
const READERS: readonly [string, () => ShardReader][] = [
  ["in this thread", () => createPlainReader(systemFileSystem, systemClock)],
  ["in a thread of its own", () => new ThreadedShardReader()],
];

describe.each(READERS)("the scrub of real volumes, reading %s", (_name, createReader) => {
  let made: MadeVolumes;
  let reader: ShardReader;
  let world: ScrubWorld;
  let volumes: [DiskVolume, DiskVolume];

  beforeEach(async () => {
    made = await makeVolumes({ count: 2 });
    volumes = made.set.volumes as [DiskVolume, DiskVolume];
    reader = createReader();
    world = new ScrubWorld(new DiskScrubStore(made.set, reader));
    for (const [index, text] of TEXTS.entries()) {
      await putText(volumes[index % 2] as DiskVolume, text);
      world.catalog.name(text);
    }
  });
  afterEach(async () => {
    await reader.close();
    await made.close();
  });

  const pathOf = async (text: string) => (await pathsOf(made.directories, refOf(text)))[0] ?? "";
  const quarantined = async () => {
    const all = [];
    for (const volume of volumes) all.push(...(await volume.quarantine.list()));
    return all.map(({ digest }) => digest);
  };

  it("finds nothing where all is well, and reads every byte once", async () => {
    const bytes = TEXTS.reduce((sum, text) => sum + text.length, 0);
    expect(await world.run()).toMatchObject({ files: TEXTS.length, bytes, mended: 0, listed: [] });
  });

  it("puts bad bytes aside, sees what is gone, and unlinks what was put aside when the blob is here again", async () => {
    await writeFile(await pathOf("text 1"), "text 2");
    await writeFile(await pathOf("text 2"), "");
    await rm(await pathOf("text 3"));
    expect((await world.run()).findings).toMatchObject({ corrupt: 2, missing: 1 });
    expect(new Set(await quarantined())).toEqual(new Set([refOf("text 1").digest, refOf("text 2").digest]));
    expect(await made.set.stat(refOf("text 1"))).toBeUndefined();
    await putText(made.set, "text 1");
    await world.run();
    expect(await quarantined()).toEqual([refOf("text 2").digest]);
    world.catalog.records.delete(refOf("text 2").digest);
    await world.run();
    expect(await quarantined()).toEqual([]);
    expect([...world.catalog.debts.keys()]).not.toContain(refOf("text 1").digest);
  });

  it("mends swapped folders, keeps one of what is here twice, and leaves alone what nothing refers to", async () => {
    const [one, two] = [dirname(await pathOf("text 4")), dirname(await pathOf("text 5"))];
    await rename(one, `${one}.aside`);
    await mkdir(dirname(one), { recursive: true });
    await rename(two, one).catch(async () => rename(two, one));
    await rename(`${one}.aside`, two);
    for (const volume of volumes) await putText(volume, "text 6");
    await putText(volumes[0], "nobody's");
    const found = (await world.run()).findings;
    expect(found).toMatchObject({ corrupt: 0, misplaced: 2 });
    expect((await world.run()).findings).toMatchObject({ corrupt: 0, missing: 0, misplaced: 0 });
    expect(await pathsOf(made.directories, refOf("text 6"))).toHaveLength(1);
    for (const text of [...TEXTS, "nobody's"])
      expect((await made.set.open(refOf(text)))?.content).toEqual(Buffer.from(text));
  });

  it("counts what cannot be read as bad: a folder where a file should be", async () => {
    const path = await pathOf("text 7");
    await rm(path);
    await mkdir(path);
    expect((await world.run()).findings).toMatchObject({ corrupt: 1 });
    expect(await quarantined()).toEqual([refOf("text 7").digest]);
  });

  it("unlinks what was put aside when the blob is purged", async () => {
    await writeFile(await pathOf("text 8"), "bad");
    await world.run();
    expect(await quarantined()).toEqual([refOf("text 8").digest]);
    expect(await made.set.removeIf(refOf("text 8"), () => true, { isDurable: true })).toBe(true);
    expect(await quarantined()).toEqual([]);
  });
});

describe("the coverage of volumes", () => {
  let made: MadeVolumes;
  beforeEach(async () => {
    made = await makeVolumes({ count: 2 });
  });
  afterEach(() => made.close());

  it("is kept over restarts, and begins anew when its file is damaged", async () => {
    const coverage = await VolumeCoverage.load(made.set.volumes);
    const ids = made.set.volumeIds;
    coverage.prove(ids, { from: 0, to: 65_535, second: 1_000 });
    coverage.prove(ids.slice(0, 1), { from: 5, to: 9, second: 2_000 });
    coverage.order({ second: 1_500, repairs: false });
    await coverage.save();
    const again = await VolumeCoverage.load(made.set.volumes);
    expect(again.ordered).toEqual({ second: 1_500, repairs: false });
    expect(again.summarize(2_000)).toEqual({ shards: 131_072, proven: 5, oldestSecond: 1_000 });
    expect([again.findDue(0, 1_000), again.findDue(0, 1_001), again.findDue(7, 1_001)]).toEqual([undefined, 0, 7]);
    const path = join(made.directories[0] ?? "", "scrub.coverage");
    await writeFile(path, "not whole");
    const damaged = await CoverageFile.load(systemFileSystem, made.directories[0] ?? "");
    expect([damaged.ordered, Math.max(...damaged.stamps)]).toEqual([undefined, 0]);
    expect(await readdir(made.directories[0] ?? "")).not.toContain("scrub.coverage.new");
    await rm(path);
    await mkdir(path);
    expect((await CoverageFile.load(systemFileSystem, made.directories[0] ?? "")).ordered).toBeUndefined();
  });

  it("knows nothing of a volume that came back", async () => {
    const coverage = await VolumeCoverage.load(made.set.volumes);
    coverage.prove(made.set.volumeIds, { from: 0, to: 65_535, second: 1_000 });
    const [first] = made.set.volumes;
    const record = join(first?.path ?? "", "koboldfs.json");
    await rename(record, `${record}.hidden`);
    await first?.check({ writes: false });
    expect(coverage.summarize(1)).toMatchObject({ shards: 65_536, proven: 65_536 });
    await rename(`${record}.hidden`, record);
    await first?.check({ writes: false });
    expect(coverage.summarize(1)).toEqual({ shards: 131_072, proven: 65_536, oldestSecond: 0 });
  });
});
