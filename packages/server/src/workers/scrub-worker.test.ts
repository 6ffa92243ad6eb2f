import { beforeEach, describe, expect, it } from "vitest";
import { MemoryScrubStore } from "../blobs/memory/memory-scrub-store.js";
import { MemoryCoverage, refOf, ScrubWorld } from "./test-scrub-world.js";

const SIGNAL = new AbortController().signal;
const FILES = 100;

describe("ScrubWorker", () => {
  let store: MemoryScrubStore;
  let world: ScrubWorld;

  beforeEach(() => {
    store = new MemoryScrubStore();
    world = new ScrubWorld(store);
    for (let file = 0; file < FILES; file += 1) {
      const ref = world.catalog.name(`file ${file}`);
      store.place(ref, Buffer.from(`file ${file}`));
    }
  });

  const damage = (text: string) => store.place(refOf(text), Buffer.from("something else"));
  const lose = (text: string) => {
    for (const [path, copy] of store.copies) if (copy.ref.digest === refOf(text).digest) store.copies.delete(path);
  };
  /** Runs before each reading of the blob, with its number; answers how many there were. */
  const beforeReadings = (text: string, act: (reading: number) => void) => {
    let readings = 0;
    store.beforeRead = ({ ref }) => {
      if (ref.digest !== refOf(text).digest) return;
      readings += 1;
      act(readings);
    };
    return () => readings;
  };
  const total = (findings: object) => Object.values(findings).reduce((sum: number, count: number) => sum + count, 0);

  it("proves everything and finds nothing where all is well", async () => {
    const pass = await world.run();
    expect(pass).toMatchObject({ state: "done", files: FILES, mended: 0, listed: [] });
    expect(total(pass.findings)).toBe(0);
    expect(world.worker.describe()).toMatchObject({ proven: 1, provenSince: expect.stringMatching(/^2030-01-01/) });
    expect(world.coverage.saves).toBeGreaterThan(0);
    expect(store.openWatches).toBe(0);
  });

  it("puts bad bytes aside and owes the blob, owes what is missing, and keeps the bytes until good ones are here", async () => {
    damage("file 1");
    lose("file 2");
    const pass = await world.run();
    expect(pass.findings).toMatchObject({ corrupt: 1, missing: 1 });
    expect(new Set(world.catalog.debts.keys())).toEqual(new Set([refOf("file 1").digest, refOf("file 2").digest]));
    expect(world.cluster.nudged).toContain(world.cluster.self);
    expect(store.quarantined).toHaveLength(1);
    const again = await world.run();
    expect(again.findings).toMatchObject({ corrupt: 0, missing: 0, "under-replicated": 2 });
    expect(store.quarantined).toHaveLength(1);
    store.place(refOf("file 1"), Buffer.from("file 1"));
    expect(total((await world.run()).findings)).toBe(1);
    expect(store.quarantined).toEqual([]);
    expect(new Set(world.catalog.debts.keys())).toEqual(new Set([refOf("file 2").digest]));
  });

  it("changes nothing in a pass that only tells, and does not call proven what it found", async () => {
    damage("file 1");
    lose("file 2");
    const pass = await world.run(false);
    expect(pass.findings).toMatchObject({ corrupt: 1, missing: 1 });
    expect([world.catalog.debts.size, store.quarantined.length]).toEqual([0, 0]);
    const { proven, provenSince } = world.worker.describe();
    expect(proven).toBeLessThan(1);
    expect(provenSince).toBeUndefined();
  });

  it("judges no blob by one bad reading", async () => {
    const readings = beforeReadings("file 5", (reading) => {
      const [copy] = [...store.copies.values()].filter((one) => one.ref.digest === refOf("file 5").digest);
      if (copy !== undefined) copy.bytes = Buffer.from(reading === 1 ? "a disturbed reading" : "file 5");
    });
    const pass = await world.run();
    expect(total(pass.findings)).toBe(0);
    expect(readings()).toBe(2);
  });

  it("says nothing of a blob that is placed while it is looked at", async () => {
    damage("file 7");
    lose("file 8");
    world.catalog.before = async (method) => {
      if (method !== "listBlobs") return;
      for (const text of ["file 7", "file 8"]) store.place(refOf(text), Buffer.from(text));
    };
    const pass = await world.run();
    expect(total(pass.findings)).toBe(0);
    expect(world.catalog.debts.size).toBe(0);
    expect(store.quarantined).toEqual([]);
  });

  it("does not call missing what is named after the disk was seen, nor what loses its name meanwhile", async () => {
    world.catalog.before = async (method) => {
      if (method === "listUnreferenced") world.catalog.records.delete(refOf("file 9").digest);
      if (method !== "listBlobs" || world.catalog.records.has(refOf("new").digest)) return;
      store.place(world.catalog.name("new"), Buffer.from("new"));
    };
    lose("file 9");
    expect(total((await world.run()).findings)).toBe(0);
  });

  it("does not call missing, nor owes, what is purged between its two readings", async () => {
    damage("file 5");
    const readings = beforeReadings("file 5", (reading) => {
      if (reading === 1) return;
      world.catalog.records.delete(refOf("file 5").digest);
      lose("file 5");
    });
    expect(total((await world.run()).findings)).toBe(0);
    expect([readings(), world.catalog.debts.size]).toEqual([2, 0]);
  });

  it("owes what is named and vanishes between its two readings", async () => {
    damage("file 5");
    beforeReadings("file 5", (reading) => void (reading === 2 && lose("file 5")));
    expect((await world.run()).findings).toMatchObject({ corrupt: 0, missing: 1 });
    expect([...world.catalog.debts.keys()]).toEqual([refOf("file 5").digest]);
  });

  it("moves what lies astray, also under another namespace, and removes what is here twice", async () => {
    lose("file 3");
    store.place(refOf("file 3"), Buffer.from("file 3"), { shard: 7 });
    lose("file 4");
    store.place({ ...refOf("file 4"), namespace: "other" as never }, Buffer.from("file 4"));
    store.place(refOf("file 6"), Buffer.from("file 6"), { volume: "two" });
    store = Object.assign(store, { listVolumes: () => ["one", "two"] });
    await world.run();
    const pass = await world.run();
    expect(pass.listed).toEqual([]);
    expect(pass.files).toBe(FILES);
    expect([...store.copies.values()].every(({ isInPlace, ref }) => isInPlace && ref.namespace !== "other")).toBe(true);
  });

  it("takes a volume out that suddenly has very many bad blobs, and quarantines no more of them", async () => {
    for (let file = 0; file < 70; file += 1) damage(`file ${file}`);
    await expect(world.run()).rejects.toThrow("taken out");
    expect(store.distrusted).toEqual(["one"]);
    expect(store.quarantined.length).toBeLessThan(50);
  });

  it("goes on after a restart where it was, with the order that it had", async () => {
    world.worker.order({ repairs: true });
    await world.worker.step(SIGNAL);
    await world.worker.end();
    const next = new ScrubWorld(store, world.coverage);
    for (const [digest, record] of world.catalog.records) next.catalog.records.set(digest, record);
    expect(next.worker.describe().pass).toMatchObject({ state: "running", progress: 1 / 8 });
    expect((await next.run()).files).toBeLessThan(FILES);
    const third = new ScrubWorld(store, world.coverage);
    expect(third.worker.describe().pass).toBeUndefined();
  });

  it("begins anew for a second order, also within the same second, and goes on with one that runs", async () => {
    await world.run();
    damage("file 1");
    expect((await world.run()).findings.corrupt).toBe(1);
    world.worker.order({ repairs: true });
    await world.worker.step(SIGNAL);
    const { progress } = world.worker.describe().pass ?? {};
    world.worker.order({ repairs: true });
    expect(world.worker.describe().pass?.progress).toBe(progress);
    world.worker.order({ repairs: false });
    expect(world.worker.describe().pass).toMatchObject({ progress: 0, repairs: false });
  });

  it("goes on by itself after a while, and rests when all was proven lately enough", async () => {
    world = new ScrubWorld(store, new MemoryCoverage(), 1_000);
    expect(await world.worker.step(SIGNAL)).toBe("idle");
    await world.clock.advance(60_000);
    let steps = 0;
    while ((await world.worker.step(SIGNAL)) === "busy") steps += 1;
    expect(steps).toBe(8);
    expect(world.worker.describe()).toMatchObject({ proven: 1 });
    await world.clock.advance(2 * 86_400_000);
    expect(await world.worker.step(SIGNAL)).toBe("busy");
  });

  it("lets an order end the slow stretch that runs", async () => {
    world = new ScrubWorld(store, new MemoryCoverage(), 1_000);
    await world.clock.advance(60_000);
    store.beforeRead = () => {
      store.beforeRead = () => {};
      world.worker.order({ repairs: true });
    };
    expect(await world.worker.step(SIGNAL)).toBe("busy");
    expect(world.wakes).toBe(1);
    expect(world.coverage.stamps[0]).toBe(0);
    expect(world.worker.describe().pass).toMatchObject({ state: "running" });
  });
});
