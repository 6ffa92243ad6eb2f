import { KoboldError } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BlobRef } from "../blobs/blob-store.js";
import { makeVolumes, type MadeVolumes } from "../blobs/disk/test-volumes.js";
import type { BlobName } from "../model/commit-view.js";
import { digestOf, NAMESPACE } from "../model/test-changes.js";
import { silentLogger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { ReapWorker } from "./reap-worker.js";
import { Reaper } from "./reaper.js";

const MINUTE_MS = 60_000;

let volumes: MadeVolumes;
let clock: SimulatedClock;
let referenced: Set<string>;
let head: number;
let isAway: boolean;
let reaper: Reaper;
let worker: ReapWorker;

beforeEach(async () => {
  volumes = await makeVolumes({ count: 1 });
  clock = new SimulatedClock();
  referenced = new Set();
  head = 10;
  isAway = false;
  startProcess();
});
afterEach(() => volumes.close());

/** What was seen before is forgotten with the process. */
function startProcess(): void {
  const answer = async (blobs: readonly BlobName[]) => {
    if (isAway) throw new KoboldError("catalog_unavailable", "away");
    return blobs.filter(({ digest }) => !referenced.has(digest));
  };
  const catalog = {
    head: async () => ({ number: head, hash: "", epoch: 0 }),
    listUnreferenced: answer,
    confirmUnreferenced: answer,
    dropIdleDebts: async () => 0,
  };
  reaper = new Reaper({ catalog, store: volumes.set, clock });
  volumes.set.watchPlacements((ref) => reaper.placed(ref));
  worker = new ReapWorker({ reaper, walk: () => volumes.set.walkShards(), clock, log: silentLogger });
}

async function place(text: string): Promise<void> {
  const write = await volumes.set.create(NAMESPACE);
  await write.write(Buffer.from(text));
  await write.finish();
}

const isHere = async (text: string) =>
  (await volumes.set.stat({ namespace: NAMESPACE, digest: digestOf(text) })) !== undefined;

/** One walk over everything, with the pauses between its pieces; answers how many pieces it had. */
async function walk(): Promise<number> {
  for (let pieces = 1; ; pieces += 1) {
    const step = worker.step(new AbortController().signal);
    let isOver = false;
    void step.finally(() => (isOver = true)).catch(() => undefined);
    while (!isOver) {
      await clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
      if (clock.sleeping > 0) await clock.advance(1_500);
    }
    if ((await step) === "idle") return pieces;
  }
}

describe("ReapWorker", () => {
  it("unlinks what it saw unreferenced twice, an hour apart, and keeps what is referred to", async () => {
    for (const text of ["idle", "named"]) await place(text);
    referenced.add(digestOf("named"));
    await walk();
    await clock.advance(58 * MINUTE_MS);
    await walk();
    expect(await isHere("idle")).toBe(true);
    await clock.advance(3 * MINUTE_MS);
    await walk();
    expect([await isHere("idle"), await isHere("named"), reaper.waiting]).toEqual([false, true, 0]);
  });

  it("counts nothing that was seen before a placement, before a name, or in another life of the process", async () => {
    for (const text of ["placed", "renamed", "restarted"]) await place(text);
    await walk();
    await clock.advance(61 * MINUTE_MS);
    await place("placed");
    referenced.add(digestOf("renamed"));
    await reaper.look([{ namespace: NAMESPACE, digest: digestOf("renamed") }]);
    referenced.delete(digestOf("renamed"));
    await reaper.look(["placed", "renamed"].map((text): BlobRef => ({ namespace: NAMESPACE, digest: digestOf(text) })));
    expect([await isHere("placed"), await isHere("renamed")]).toEqual([true, true]);
    startProcess();
    await walk();
    expect(await isHere("restarted")).toBe(true);
    await clock.advance(61 * MINUTE_MS);
    await walk();
    expect(await Promise.all(["placed", "renamed", "restarted"].map(isHere))).toEqual([false, false, false]);
  });

  it("unlinks nothing while the catalog does not answer, and begins its walk anew afterwards", async () => {
    await place("idle");
    await walk();
    await clock.advance(61 * MINUTE_MS);
    isAway = true;
    await expect(worker.step(new AbortController().signal)).rejects.toMatchObject({ code: "catalog_unavailable" });
    expect(await isHere("idle")).toBe(true);
    isAway = false;
    await walk();
    expect(await isHere("idle")).toBe(false);
  });

  it("unlinks nothing on the word of a catalog that knows less than it did", async () => {
    await place("idle");
    await walk();
    await clock.advance(61 * MINUTE_MS);
    head = 9;
    await expect(worker.step(new AbortController().signal)).rejects.toThrow("nothing is reaped");
    head = 10;
    await walk();
    expect([await isHere("idle"), reaper.waiting]).toEqual([true, 1]);
  });

  it("walks in pieces with pauses between them, so that no disk notices", async () => {
    for (let index = 0; index < 70; index += 1) await place(`blob ${index}`);
    const before = clock.elapsedMs;
    const pieces = await walk();
    expect(pieces).toBeGreaterThan(2);
    expect(clock.elapsedMs - before).toBeGreaterThanOrEqual((pieces - 1) * 1_500);
  });
});
