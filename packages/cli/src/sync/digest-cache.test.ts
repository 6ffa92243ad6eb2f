import { appendFile, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DigestCache } from "./digest-cache.js";
import { DigestLineWriter } from "./digest-lines.js";
import type { FileStats } from "./file-stats.js";

const DIGEST = "a".repeat(64);
const GONE_PID = 4_194_305;

let folder: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-digests-"));
  root = await mkdtemp(join(tmpdir(), "koboldfs-root-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(root, { recursive: true, force: true });
});

function stats(fingerprint: string, isSettled = true): FileStats {
  return { sizeBytes: 1, modifiedMs: 0, fingerprint, isSettled };
}

const open = (distrust = false) => DigestCache.open({ folder, root, distrust });

async function remember(keys: readonly string[], whole = true): Promise<void> {
  const cache = await open();
  const places = keys.map((key) => cache.reserve(key));
  // In any order: transfers end as they like.
  for (const [index, place] of [...places.entries()].reverse()) place.keep(stats(`of ${keys[index]}`), DIGEST);
  await cache.close(whole);
}

/** The keys that are known, of those that are asked for in this order. */
async function known(keys: readonly string[], cacheOpened = open()): Promise<string[]> {
  const cache = await cacheOpened;
  const found: string[] = [];
  for (const key of keys) if ((await cache.find(key, stats(`of ${key}`))) === DIGEST) found.push(key);
  await cache.close(false);
  return found;
}

const cacheFile = async () => join(folder, (await readdir(folder)).find((name) => !name.includes(".")) ?? "");

describe("the memory of digests", () => {
  it("knows a file again that looks as it did, and no other", async () => {
    await remember(["a", "a-b", "a/b", "b"]);
    expect(await known(["a", "a-b", "a-c", "a/b", "c"])).toEqual(["a", "a-b", "a/b"]);
    const cache = await open();
    expect(await cache.find("a", stats("another look"))).toBeUndefined();
    expect(await cache.find("b", stats("of b"))).toBe(DIGEST);
    await cache.close(false);
  });

  it("keeps nothing of a file that may be written to without a trace", async () => {
    const cache = await open();
    cache.reserve("a").keep(stats("of a", false), DIGEST);
    await cache.close(true);
    expect(await known(["a"])).toEqual([]);
  });

  it("believes nothing when told so, and remembers what is found out then", async () => {
    await remember(["a"]);
    expect(await known(["a"], open(true))).toEqual([]);
  });

  it("forgets what a whole run did not meet, and nothing after a run that was no whole one", async () => {
    await remember(["a", "b", "c"]);
    await remember(["b"], false);
    expect(await known(["a", "b", "c"])).toEqual(["a", "b", "c"]);
    await remember(["b"]);
    expect(await known(["a", "b", "c"])).toEqual(["b"]);
  });

  it("takes over what a killed run had written, up to its last whole line", async () => {
    await remember(["a", "c"]);
    const left = `${await cacheFile()}.${GONE_PID}`;
    const writer = new DigestLineWriter(left);
    for (const key of ["a", "b"]) writer.add({ key, fingerprint: `of ${key}`, digest: DIGEST });
    writer.close();
    await appendFile(left, '["d","of d","aaaa');
    expect(await known(["a", "b", "c", "d"])).toEqual(["a", "b", "c"]);
    expect(await readdir(folder)).toHaveLength(1);
  });

  it.each([
    ["cut short", async (path: string) => truncate(path, 60)],
    ["of another format", async (path: string) => writeFile(path, (await readFile(path, "utf8")).replace("1", "9"))],
    ["overwritten", async (path: string) => writeFile(path, Buffer.alloc(100_000, 0xff))],
    ["one endless line", async (path: string) => writeFile(path, "koboldfs digests 1\n".padEnd(1_000_000, "x"))],
    ["out of order", async (path: string) => appendFile(path, `["a","of z","${DIGEST}"]\n["z","of z","${DIGEST}"]\n`)],
    ["with other things in it", async (path: string) => appendFile(path, '{"z":1}\n[1,2]\nnull\n')],
  ])("knows less when its file is %s, and nothing wrong", async (_how, damage) => {
    await remember(["a", "b"]);
    await damage(await cacheFile());
    expect(["a", "b"]).toEqual(expect.arrayContaining(await known(["a", "b", "z"])));
    await remember(["a", "b"]);
    expect(await known(["a", "b"])).toEqual(["a", "b"]);
  });

  it("forgets a folder that was not synced for long", async () => {
    await remember(["a"]);
    await utimes(await cacheFile(), 1, 1);
    const other = await mkdtemp(join(tmpdir(), "koboldfs-root-"));
    const cache = await DigestCache.open({ folder, root: other, distrust: false });
    await cache.close(true);
    await rm(other, { recursive: true });
    expect(await readdir(folder)).toHaveLength(1);
    expect(await known(["a"])).toEqual([]);
  });

  it("keeps the memory bounded when one file takes long", async () => {
    const cache = await open();
    const slow = cache.reserve("a");
    for (let index = 0; index < 20_001; index += 1) {
      const key = `b${String(index).padStart(6, "0")}`;
      cache.reserve(key).keep(stats(`of ${key}`), DIGEST);
    }
    slow.keep(stats("of a"), DIGEST);
    await cache.close(true);
    expect(await known(["a", "b000000", "b020000"])).toEqual(["b000000", "b020000"]);
  });
});
