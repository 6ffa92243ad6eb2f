import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { MemoryMirror } from "../memory/memory-mirror.js";
import { WatchedMirror } from "../watched-mirror.js";
import type { JournalGroup } from "../../model/journal-group.js";
import { deleteOf, NAMESPACE, putOf, setNamespaceOf } from "../../model/test-changes.js";
import { ModelCatalog, TEST_CLUSTER } from "../../model/test-model-catalog.js";
import { SimulatedClock } from "../../runtime/simulated-clock.js";
import { ChangeFeed, type ChangeReader } from "./change-feed.js";

let catalog: ModelCatalog;
let mirror: WatchedMirror;
let feed: ChangeFeed;
let reads: number;
let clock: SimulatedClock;

beforeEach(() => {
  catalog = new ModelCatalog();
  mirror = new WatchedMirror(new MemoryMirror(TEST_CLUSTER));
  reads = 0;
  clock = new SimulatedClock();
  feed = openFeed();
});

function openFeed(): ChangeFeed {
  const counted = {
    head: () => mirror.head(),
    listHorizons: () => mirror.listHorizons(),
    watch: mirror.watch.bind(mirror),
    listGroups: (after: number, limit: number) => {
      reads += 1;
      return mirror.listGroups(after, limit);
    },
  };
  const known = { head: async () => ({ ...catalog.head, epoch: 0 }), findNamespace: async () => undefined };
  return new ChangeFeed({ mirror: counted, catalog: known, clock });
}

function commit(...keys: readonly string[]): JournalGroup {
  catalog.commit(keys.map((key) => (key.startsWith("-") ? deleteOf(key.slice(1)) : putOf(key))));
  return catalog.groups.at(-1)!;
}

async function grow(...keys: readonly string[]): Promise<void> {
  await mirror.append([commit(...keys)]);
}

async function begin(): Promise<void> {
  catalog.commit([setNamespaceOf()]);
  await mirror.append(catalog.groups);
}

async function readOn(reader: ChangeReader, limit = 1000): Promise<string[]> {
  const seen: string[] = [];
  while (!reader.isAtHead)
    seen.push(...(await reader.next(limit)).changes.map(({ number, key }) => `${number} ${key}`));
  return seen;
}

describe("the feed of changes", () => {
  it("gives every reader, from wherever it comes and in whatever pieces, the same changes in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom("a", "b", "c/1", "c/2"), { minLength: 1, maxLength: 4 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(40),
        async (groups, limit, from) => {
          catalog = new ModelCatalog();
          mirror = new WatchedMirror(new MemoryMirror(TEST_CLUSTER));
          await begin();
          // Some of the journal is older than the feed, and so not in its memory.
          const half = Math.floor(groups.length / 2);
          for (const keys of groups.slice(0, half)) await grow(...keys);
          feed = openFeed();
          for (const keys of groups.slice(half)) await grow(...keys);
          const all = groups.flat().map((key, index) => `${index + 2} ${key}`);
          const after = Math.min(from, catalog.head.number);
          expect(await readOn(await feed.open({}, after), limit)).toEqual(all.slice(Math.max(0, after - 1)));
          const some = all.filter((line) => line.includes(" c/"));
          expect(await readOn(await feed.open({ namespace: NAMESPACE, prefix: "c/" }, 0), limit)).toEqual(some);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("reads the journal once for all who wait at its end", async () => {
    await begin();
    const readers = await Promise.all(Array.from({ length: 50 }, () => feed.open({}, 1)));
    const waiting = readers.map(async (reader) => {
      await reader.wait(60_000, new AbortController().signal);
      return readOn(reader);
    });
    reads = 0;
    await grow("a");
    for (const seen of await Promise.all(waiting)) expect(seen).toEqual(["2 a"]);
    expect(reads).toBe(1);
  });

  it("keeps no more of the past than its bound, and reads what is older from the mirror", async () => {
    await begin();
    const reader = await feed.open({}, 1);
    const late = await feed.open({}, 1);
    for (let index = 0; index < 1200; index += 1) {
      await grow("a");
      if (index % 100 === 0) await readOn(reader);
    }
    reads = 0;
    expect(await readOn(late)).toHaveLength(1200);
    expect(reads).toBeGreaterThan(3);
    reads = 0;
    expect(await readOn(await feed.open({}, catalog.head.number - 900))).toHaveLength(900);
    expect(reads).toBe(0);
  });

  it("wakes nobody for nothing, and everybody after their time and when the node stops", async () => {
    await begin();
    const reader = await feed.open({}, 1);
    const ended: string[] = [];
    const { signal } = new AbortController();
    void reader.wait(1000, signal).then(() => ended.push("time"));
    await clock.advance(999);
    expect(ended).toEqual([]);
    await clock.advance(1);
    expect(ended).toEqual(["time"]);
    const stopped = reader.wait(60_000, signal);
    feed.stop();
    await stopped;
    expect(feed.stopping.aborted).toBe(true);
  });

  it("sends a reader back to the fork when numbers are given out anew", async () => {
    await begin();
    await grow("a");
    const fork = { number: catalog.head.number, hash: catalog.head.hash };
    const other = new ModelCatalog();
    for (const group of catalog.groups) other.commit(group.first === 1 ? [setNamespaceOf()] : [putOf("a")]);
    await grow("lost");
    const reader = await feed.open({}, 1);
    expect(await readOn(reader)).toEqual(["2 a", "3 lost"]);
    await mirror.splitOff(fork);
    other.commit([putOf("won")]);
    other.commit([putOf("lost")]);
    await mirror.append(other.groups.slice(2));
    expect(await readOn(reader)).toEqual(["3 won", "4 lost"]);
  });

  it("is not open beyond the end of the journal, but for a mirror that lags", async () => {
    await begin();
    await expect(feed.open({}, 2)).rejects.toMatchObject({ code: "invalid_request" });
    const late = commit("a");
    const reader = await feed.open({}, 2);
    expect(await readOn(reader)).toEqual([]);
    await mirror.append([late]);
    await grow("b");
    expect(await readOn(reader)).toEqual(["3 b"]);
  });
});
