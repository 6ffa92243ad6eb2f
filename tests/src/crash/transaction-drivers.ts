import { Client } from "@koboldfs/client";
import { CRASH_POINTS, type CrashPoint } from "@koboldfs/server/crash-points";
import { expect } from "vitest";
import { NAMESPACE } from "../harness/cluster.js";
import type { NodeProcess } from "../harness/node-process.js";
import { getFile, sha256 } from "../harness/raw-files.js";
import { waitUntil } from "../harness/wait-until.js";
import type { CrashDriver } from "./crash-drivers.js";
import type { CrashScene } from "./crash-scene.js";

/** Soon over, and not before its files are staged. */
const SHORT_TTL_MS = 3000;
const FILES = 3;

type OpenTransaction = Awaited<ReturnType<Client["begin"]>>;

const EXPIRING: readonly CrashPoint[] = ["transaction.expire.before", "transaction.expire.done"];

const ended: CrashDriver = {
  who: "the node through which a transaction is ended",
  points: CRASH_POINTS.filter((point) => point.startsWith("transaction.") && !EXPIRING.includes(point)),
  async run(scene) {
    await withClient(scene, [scene.victim, scene.other], async (client) => {
      const tx = await client.begin();
      const digests = await stage(scene, tx);
      scene.victim.orderCrash(scene.point);
      const step = scene.point.split(".")[1] as "prepare" | "commit" | "abort";
      // The client asks the other node when the first one dies: the outcome is the same, and there is one.
      if (step !== "commit") await tx[step]();
      if (step !== "abort") await tx.commit();
      await scene.victim.waitForCrash(scene.point);
      expect((await client.getTransaction(tx.id)).state).toBe(step === "abort" ? "aborted" : "committed");
      if (step === "abort") scene.absent.push(...digests.keys());
      else for (const [key, digest] of digests) scene.ledger.note({ key, digest, copies: 1 });
    });
  },
  afterwards: expectNothingUnfinished,
};

const expired: CrashDriver = {
  who: "a node that aborts a transaction that nobody goes on with",
  points: EXPIRING,
  async run(scene) {
    const id = await withClient(scene, [scene.victim], async (client) => {
      const tx = await client.begin({ ttlMs: SHORT_TTL_MS });
      scene.absent.push(...(await stage(scene, tx)).keys());
      return tx.id;
    });
    // One node at a time does this, and it shall be the victim.
    await scene.other.stop();
    scene.victim.orderCrash(scene.point);
    await scene.victim.waitForCrash(scene.point);
    await scene.other.start();
    await withClient(scene, [scene.other], async (client) => {
      const { state } = await client.getTransaction(id);
      expect(state).toBe(scene.point === "transaction.expire.done" ? "aborted" : "open");
    });
  },
  afterwards: expectNothingUnfinished,
};

export const TRANSACTION_DRIVERS: readonly CrashDriver[] = [ended, expired];

async function withClient<T>(
  { cluster }: CrashScene,
  nodes: readonly NodeProcess[],
  body: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(NAMESPACE, { servers: nodes.map(({ url }) => url), token: cluster.secret ?? "" });
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

async function stage(scene: CrashScene, tx: OpenTransaction): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (let file = 0; file < FILES; file += 1) {
    const { key, body } = scene.next();
    await tx.files.put(key, Buffer.from(body));
    digests.set(key, sha256(body));
  }
  return digests;
}

async function hasNone(list: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of list) return false;
  return true;
}

/** No key of an aborted one has a name, none is held, and nobody has to be asked what shall become of anything. */
async function expectNothingUnfinished(scene: CrashScene): Promise<void> {
  await withClient(scene, [scene.victim], async (client) => {
    for (const state of ["open", "prepared"] as const) {
      await waitUntil(`no transaction is ${state}`, () => hasNone(client.listTransactions({ state })));
    }
    for (const key of scene.absent) {
      for (const { url } of scene.cluster.running) expect((await getFile(url, key)).status).toBe(404);
    }
    // What was there is put once more: other bytes would leave the former ones to the history, for as long as that is kept.
    for (const { key } of scene.ledger.attempts) await putNow(client, key, await client.getBytes(key));
    for (const key of scene.absent) await putNow(client, key, Buffer.from("not held"));
  });
}

/** Fails when a transaction holds the key. */
async function putNow(client: Client, key: string, bytes: Uint8Array | undefined): Promise<void> {
  if (bytes === undefined) throw new Error(`${key} is not there`);
  await client.put(key, bytes, { deadlineMs: 2000 });
}
