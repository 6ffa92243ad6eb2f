import { KoboldError, type NamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryMirror } from "../mirror/memory/memory-mirror.js";
import { putOf, setNamespaceOf } from "../model/test-changes.js";
import { ModelCatalog, TEST_CLUSTER } from "../model/test-model-catalog.js";
import { silentLogger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { CatalogReads, type ReadSource } from "./catalog-reads.js";

const { namespace, key } = putOf("k");
const gone = () => new KoboldError("catalog_unavailable", "the catalog does not answer");

describe("CatalogReads", () => {
  let clock: SimulatedClock;
  let mirror: MemoryMirror;
  let reads: CatalogReads;
  let asked: number;
  let answer: () => Promise<void>;

  beforeEach(async () => {
    const history = new ModelCatalog();
    for (const change of [setNamespaceOf(), putOf("k")]) history.commit([change]);
    clock = new SimulatedClock();
    mirror = new MemoryMirror(TEST_CLUSTER);
    await mirror.append(history.groups);
    [asked, answer] = [0, async () => {}];
    const source = new MemoryMirror(TEST_CLUSTER);
    await source.append(history.groups);
    const catalog: ReadSource & { head(): Promise<ReturnType<MemoryMirror["head"]>> } = {
      findFile: async (...parameters) => {
        asked += 1;
        await answer();
        return source.findFile(...parameters);
      },
      listFiles: (...parameters) => source.listFiles(...parameters),
      findNamespace: (name) => source.findNamespace(name),
      listNamespaces: () => source.listNamespaces(),
      listNodes: () => source.listNodes(),
      head: async () => {
        await answer();
        return source.head();
      },
    };
    reads = new CatalogReads({ catalog, mirror, clock, log: silentLogger });
  });

  afterEach(() => reads.stop());

  const read = (name = key) =>
    reads.read(async (source) => {
      const file = await source.findFile(namespace as NamespaceName, name);
      if (file === undefined) throw new KoboldError("not_found", "no such file");
      return file.version;
    });

  it("asks the catalog, and marks nothing, while it answers", async () => {
    expect(await read()).toEqual({ value: 2 });
    await expect(read(putOf("other").key)).rejects.toMatchObject({ code: "not_found" });
  });

  it("answers from the mirror, marked, when the catalog does not, and asks it no more until it is back", async () => {
    answer = () => Promise.reject(gone());
    const { value, asOf } = await read();
    expect([value, asOf?.number, asOf?.time.getTime()]).toEqual([2, 2, mirror.head().timeMs]);
    expect(reads.isAway).toBe(true);
    await read();
    expect(asked).toBe(1);
    answer = async () => {};
    await clock.advance(1000);
    expect(reads.isAway).toBe(false);
    expect(await read()).toEqual({ value: 2 });
  });

  it("answers from the mirror, marked, when the catalog turns out to lack something while it is asked", async () => {
    answer = async () => reads.setTrusted(false);
    expect((await read()).asOf?.number).toBe(2);
    reads.setTrusted(true);
    // What the catalog does not know it may only have lost.
    await expect(read(putOf("other").key)).rejects.toMatchObject({ code: "unknown_as_of" });
  });

  it("believes nothing that only the catalog knows while that lacks something", async () => {
    expect(await reads.readSurely(async () => 1)).toBe(1);
    await expect(reads.readSurely(() => Promise.reject(gone()))).rejects.toMatchObject({ code: "catalog_unavailable" });
    const missing = async () => {
      reads.setTrusted(false);
      throw new KoboldError("transaction_not_found", "no such transaction");
    };
    await expect(reads.readSurely(missing)).rejects.toMatchObject({ code: "catalog_behind" });
  });

  it("says unknown_as_of, not not_found, of what the mirror lacks", async () => {
    answer = () => Promise.reject(gone());
    await expect(read(putOf("other").key)).rejects.toMatchObject({ code: "unknown_as_of" });
  });

  it("does not wait for a catalog that hangs, and a question that hangs is not the last one", async () => {
    answer = () => new Promise(() => {});
    const hanging = read();
    await clock.advance(3100);
    expect((await hanging).asOf).toBeDefined();
    await clock.advance(600);
    answer = async () => {};
    await clock.advance(2000);
    expect(reads.isAway).toBe(false);
  });

  it("reads the mirror while the catalog lacks what this node knows to be committed", async () => {
    reads.setTrusted(false);
    expect((await read()).asOf?.number).toBe(2);
    reads.setTrusted(true);
    expect(await read()).toEqual({ value: 2 });
  });

  it("believes no good comparison that began before the catalog was found to lack something", async () => {
    const tell = reads.beginComparison();
    reads.setTrusted(false);
    tell(true);
    expect((await read()).asOf?.number).toBe(2);
    reads.beginComparison()(true);
    expect(await read()).toEqual({ value: 2 });
    // A bad one is always believed.
    reads.beginComparison()(false);
    expect((await read()).asOf?.number).toBe(2);
  });

  describe("for who asks for the mirror", () => {
    const readMirror = (name = key) =>
      reads.read(async (source) => {
        const file = await source.findFile(namespace as NamespaceName, name);
        if (file === undefined) throw new KoboldError("not_found", "no such file");
        return file.version;
      }, "mirror");

    it("does not ask the catalog, and says how old the answer may be", async () => {
      reads.setTrusted(true, clock.monotonic());
      await clock.advance(10_000);
      expect(await readMirror()).toMatchObject({ value: 2, asOf: { number: 2, ageMs: 10_000 } });
      expect(asked).toBe(0);
    });

    it("asks the catalog when the mirror was not seen to be current, ever or for more than 10 s", async () => {
      expect(await readMirror()).toEqual({ value: 2 });
      reads.setTrusted(true, clock.monotonic());
      await clock.advance(10_001);
      // A comparison that shows no current mirror does not make it younger.
      reads.setTrusted(true);
      expect(await readMirror()).toEqual({ value: 2 });
      expect(asked).toBe(2);
    });

    it("asks the catalog for what the mirror lacks, so that not_found is the truth", async () => {
      reads.setTrusted(true, clock.monotonic());
      await expect(readMirror(putOf("other").key)).rejects.toMatchObject({ code: "not_found" });
      expect(asked).toBe(1);
    });

    it("answers within 250 ms though the catalog hangs, and does not hold that for being away", async () => {
      answer = () => new Promise(() => {});
      const old = readMirror();
      await clock.advance(250);
      expect((await old).asOf?.number).toBe(2);
      expect(reads.isAway).toBe(false);
      reads.setTrusted(true, clock.monotonic());
      const missing = expect(readMirror(putOf("other").key)).rejects.toMatchObject({ code: "unknown_as_of" });
      await clock.advance(250);
      await missing;
    });

    it("notices a catalog that says it is away", async () => {
      answer = () => Promise.reject(gone());
      expect((await readMirror()).asOf?.number).toBe(2);
      expect(reads.isAway).toBe(true);
    });
  });

  it("passes other failures on, and without a mirror this one too", async () => {
    answer = () => Promise.reject(new KoboldError("overloaded", "too much"));
    await expect(read()).rejects.toMatchObject({ code: "overloaded" });
    expect(reads.isAway).toBe(false);
  });
});
