import { KoboldError } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeVolumes, type MadeVolumes } from "../blobs/disk/test-volumes.js";
import type { PlannedPurge } from "../model/commit-plan.js";
import type { BlobName } from "../model/commit-view.js";
import { digestOf, NAMESPACE, nodeId } from "../model/test-changes.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { PurgeWorker } from "./purge-worker.js";
import { Reaper } from "./reaper.js";

const SELF = nodeId(1);

let volumes: MadeVolumes;
let orders: PlannedPurge[];
let referenced: Set<string>;
let reaper: Reaper;
let worker: PurgeWorker;
let failures: number;
let onConfirm: () => Promise<void>;
let isTrusted: boolean;

beforeEach(async () => {
  volumes = await makeVolumes({ count: 1 });
  orders = [];
  referenced = new Set();
  failures = 0;
  isTrusted = true;
  onConfirm = async () => {};
  const notReferenced = async (blobs: readonly BlobName[]) => {
    await onConfirm();
    return blobs.filter(({ digest }) => !referenced.has(digest));
  };
  const catalog = {
    head: async () => ({ number: 1, hash: "", epoch: 0 }),
    listUnreferenced: notReferenced,
    confirmUnreferenced: notReferenced,
    dropIdleDebts: async () => 0,
    listPurges: async (node: string, limit: number) => orders.filter((one) => one.node === node).slice(0, limit),
    endPurges: async (purges: readonly PlannedPurge[]) => {
      for (const purge of purges) {
        // Said to be obeyed while the bytes are there, it would never be looked at again.
        const isGone = referenced.has(purge.digest) || (await volumes.set.stat(purge)) === undefined;
        if (!isGone) throw new Error(`${purge.digest} is still here`);
      }
      if (failures-- > 0) throw new KoboldError("catalog_unavailable", "away");
      orders = orders.filter((one) => !purges.includes(one));
    },
  };
  reaper = new Reaper({ catalog, store: volumes.set, clock: new SimulatedClock() });
  volumes.set.watchPlacements((ref) => reaper.placed(ref));
  worker = new PurgeWorker({ catalog, reaper, self: SELF, isTrusted: async () => isTrusted });
});
afterEach(() => volumes.close());

async function place(text: string): Promise<void> {
  const write = await volumes.set.create(NAMESPACE);
  await write.write(Buffer.from(text));
  await write.finish();
}

function order(text: string, node = SELF): void {
  orders.push({ node, namespace: NAMESPACE, digest: digestOf(text), number: orders.length + 1 });
}

const isHere = async (text: string) =>
  (await volumes.set.stat({ namespace: NAMESPACE, digest: digestOf(text) })) !== undefined;

describe("PurgeWorker", () => {
  it("unlinks what this node was told to, says so afterwards, and touches nothing else", async () => {
    for (const text of ["a", "b", "theirs", "kept"]) await place(text);
    order("a");
    order("b");
    order("theirs", nodeId(2));
    expect([await worker.step(), await worker.step()]).toEqual(["busy", "idle"]);
    expect(await Promise.all(["a", "b", "theirs", "kept"].map(isHere))).toEqual([false, false, true, true]);
    expect(orders.map(({ node }) => node)).toEqual([nodeId(2)]);
  });

  it("obeys nothing that a catalog says which lacks what this node knows, and obeys it later", async () => {
    await place("a");
    order("a");
    isTrusted = false;
    await worker.obeyAll();
    expect([await isHere("a"), orders.length]).toEqual([true, 1]);
    isTrusted = true;
    await worker.obeyAll();
    expect([await isHere("a"), orders.length]).toEqual([false, 0]);
  });

  it("keeps bytes that something else refers to, and has obeyed all the same", async () => {
    await place("shared");
    order("shared");
    referenced.add(digestOf("shared"));
    await worker.obeyAll();
    expect([await isHere("shared"), orders]).toEqual([true, []]);
  });

  it("has obeyed where the bytes never came", async () => {
    order("never here");
    await worker.obeyAll();
    expect(orders).toEqual([]);
  });

  it("comes back later for what is placed again in the midst of it, and does not wait for that at the start", async () => {
    for (const text of ["a", "b"]) await place(text);
    order("a");
    order("b");
    let isFirst = true;
    onConfirm = async () => {
      if (isFirst) await place("a");
      isFirst = false;
    };
    await worker.obeyAll();
    expect([await isHere("a"), await isHere("b")]).toEqual([true, false]);
    expect(orders).toHaveLength(1);
    await worker.obeyAll();
    expect([await isHere("a"), orders]).toEqual([false, []]);
  });

  it("obeys again what it could not tell the catalog, also in another life", async () => {
    await place("a");
    order("a");
    failures = 1;
    await expect(worker.step()).rejects.toMatchObject({ code: "catalog_unavailable" });
    expect([await isHere("a"), orders.length]).toEqual([false, 1]);
    await worker.obeyAll();
    expect(orders).toEqual([]);
  });

  it("obeys everything before a node serves, however much it is", async () => {
    for (let index = 0; index < 250; index += 1) order(`gone ${index}`);
    await place("gone 249");
    await worker.obeyAll();
    expect([await isHere("gone 249"), orders]).toEqual([false, []]);
  });
});
