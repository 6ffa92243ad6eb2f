import { Client, type Transaction } from "@koboldfs/client";
import type { CrashPoint } from "@koboldfs/server/crash-points";
import { afterAll, describe, expect, it } from "vitest";
import { copyCatalog } from "./harness/catalog-copy.js";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { concurrently } from "./harness/concurrently.js";
import { waitUntilWhole } from "./harness/node-status.js";
import type { NodeProcess } from "./harness/node-process.js";
import { useCluster, withCluster } from "./harness/use-cluster.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

/** As many files as a publication had that was seen half. */
const FILES = 473;
const CONCURRENCY = 16;
const MIDDLE = `failed/${Math.floor(FILES / 2)}`;
/** Every step of a transaction goes through these. */
const COMMIT_POINTS: readonly CrashPoint[] = [
  "commit.locked",
  "commit.send.before",
  "commit.done",
  "commit.mirrors.before",
  "commit.mirrors.done",
];
const STEPS = ["stage", "prepare", "commit"] as const;

const clients: Client[] = [];
afterAll(() => Promise.all(clients.map((client) => client.close())));

/** Servers in the order in which they are asked. */
function connect(cluster: Cluster, ...nodes: readonly NodeProcess[]): Client {
  const client = new Client(NAMESPACE, {
    servers: nodes.map(({ url }) => url),
    ...(cluster.secret !== undefined && { token: cluster.secret }),
  });
  clients.push(client);
  return client;
}

async function listKeys(client: Client, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of client.list({ prefix })) keys.push(key);
  return keys;
}

async function listUnfinished(client: Client): Promise<string[]> {
  const ids: string[] = [];
  for (const state of ["open", "prepared"] as const) {
    for await (const { id } of client.listTransactions({ state })) ids.push(id);
  }
  return ids;
}

function keysBelow(prefix: string): string[] {
  return Array.from({ length: FILES }, (_, index) => `${prefix}${String(index).padStart(3, "0")}`);
}

describe.each(["sqlite", "postgres"] as const)("a transaction of many files (%s)", (engine) => {
  const cluster = useCluster({ nodes: 2, engine });

  it("leaves nothing when it fails in the middle", async () => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const [writer, reader] = [connect(cluster(), a), connect(cluster(), b)];
    const failing = writer.transaction(async (tx) => {
      await concurrently(keysBelow("failed/"), CONCURRENCY, async (key) => {
        if (key === MIDDLE) throw new Error("the disk of the source failed");
        await tx.files.put(key, Buffer.from(key));
      });
    });
    await expect(failing).rejects.toThrow("the disk of the source failed");
    expect(await listKeys(reader, "failed/")).toEqual([]);
    expect(await listUnfinished(reader)).toEqual([]);
    expect(await reader.stat(`failed/000`)).toBeUndefined();
  });

  it("appears in one instant to whoever looks from another node as fast as it can", async () => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const [writer, reader] = [connect(cluster(), a), connect(cluster(), b)];
    const seen = new Set<number>();
    let isDone = false;
    const polling = (async () => {
      while (!isDone) seen.add((await listKeys(reader, "whole/")).length);
    })();
    await writer.transaction(async (tx) => {
      await concurrently(keysBelow("whole/"), CONCURRENCY, async (key) => {
        await tx.files.put(key, Buffer.from(key));
      });
    });
    expect(await listKeys(reader, "whole/")).toEqual(keysBelow("whole/"));
    isDone = true;
    await polling;
    expect([...seen].sort((x, y) => x - y)).toEqual(expect.arrayContaining([0]));
    for (const count of seen) expect([0, FILES]).toContain(count);
    await cluster().waitUntilSettled();
    expect(checkJournal(await readJournal(cluster().dsn))).toEqual([]);
  });
});

describe.each(["sqlite", "postgres"] as const)("a transaction whose node dies (%s)", (engine) => {
  const cluster = useCluster({ nodes: 2, engine, canCrash: true, settings: { INTERVAL: "0.25" } });
  // What the engine itself has a part in; the rest of the way is the same on all.
  const points = engine === "sqlite" ? COMMIT_POINTS : COMMIT_POINTS.slice(1, 3);
  const cases = STEPS.flatMap((step) => points.map((point) => ({ step, point })));
  // A step that is only staged waits for no mirror.
  const reached = cases.filter(({ step, point }) => step !== "stage" || !point.startsWith("commit.mirrors"));

  it.each(reached)("at $point of its $step is finished through another one", async ({ step, point }) => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const client = connect(cluster(), a, b);
    const prefix = `${step} ${point}/`;
    const tx = await client.begin();
    await tx.files.put(`${prefix}before`, Buffer.from("1"));
    const dieIn = async (name: (typeof STEPS)[number], work: () => Promise<unknown>) => {
      if (name === step) a.orderCrash(point);
      await work();
      if (name === step) await a.waitForCrash(point);
    };
    await dieIn("stage", () => tx.files.put(`${prefix}during`, Buffer.from("22")));
    await tx.files.put(`${prefix}after`, Buffer.from("333"));
    await dieIn("prepare", () => tx.prepare());
    expect(await listKeys(client, prefix)).toEqual([]);
    await dieIn("commit", () => tx.commit());
    const reader = connect(cluster(), b);
    expect(await listKeys(reader, prefix)).toEqual(["after", "before", "during"].map((name) => prefix + name));
    expect(await listUnfinished(reader)).toEqual([]);
    await reader.put(`${prefix}before`, Buffer.from("not held"));
    if (!a.isRunning) await a.start();
    await cluster().waitUntilAllSeeAll();
    for (const [name, text] of Object.entries({ during: "22", after: "333" })) {
      expect(Buffer.from((await connect(cluster(), a).getBytes(prefix + name)) ?? []).toString()).toBe(text);
    }
  });

  it("and its client too, is known to be prepared, holds its keys, and is decided by its id", async () => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    const [first, second] = [await prepare(connect(cluster(), a), "one"), await prepare(connect(cluster(), a), "two")];
    await a.kill("SIGKILL");
    const survivor = connect(cluster(), b);
    expect((await listUnfinished(survivor)).sort()).toEqual([first.id, second.id].sort());
    const held = survivor.put("one/page", Buffer.from("other"), { deadlineMs: 200 });
    await expect(held).rejects.toMatchObject({ code: "key_locked" });
    expect(await survivor.stat("one/page")).toBeUndefined();
    await survivor.finishTransaction(first.id, "commit");
    await survivor.finishTransaction(second.id, "abort");
    expect((await survivor.getTransaction(first.id)).state).toBe("committed");
    expect([await listKeys(survivor, "one/"), await listKeys(survivor, "two/")]).toEqual([["one/page"], []]);
    expect(await listUnfinished(survivor)).toEqual([]);
    await a.start();
    await cluster().waitUntilAllSeeAll();
  });
});

async function prepare(client: Client, prefix: string): Promise<Transaction<unknown>> {
  const tx = await client.begin();
  await tx.files.put(`${prefix}/page`, Buffer.from(prefix));
  await tx.prepare();
  return tx;
}

describe("an older copy of the catalog in its place", () => {
  it("knows again what was prepared and what was committed since, and nothing of it is lost or half", async () => {
    await withCluster({ nodes: 2, engine: "postgres" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const client = connect(cluster, a, b);
      const half = await client.begin();
      await half.files.put("half/known", Buffer.from("1"));
      for (const node of [a, b]) await node.stop();
      const copy = await copyCatalog(cluster.dsn);
      try {
        for (const node of [a, b]) await node.start();
        await cluster.waitUntilAllSeeAll();
        await half.files.put("half/lost", Buffer.from("2"));
        const waiting = await prepare(client, "waiting");
        const done = await client.transaction(async (tx) => {
          for (const name of ["x", "y", "z"]) await tx.files.put(`done/${name}`, Buffer.from(name));
          return tx.id;
        });
        await copy.restore();
        for (const node of [a, b]) await waitUntilWhole(node);
        expect((await client.getTransaction(done)).state).toBe("committed");
        expect(await listKeys(client, "done/")).toEqual(["done/x", "done/y", "done/z"]);
        expect((await listUnfinished(client)).sort()).toEqual([half.id, waiting.id].sort());
        const held = client.put("waiting/page", Buffer.from("other"), { deadlineMs: 200 });
        await expect(held).rejects.toMatchObject({ code: "key_locked" });
        // What is only staged no mirror knows: the transaction must not come out without a part of it.
        await expect(half.commit()).rejects.toMatchObject({ code: "transaction_conflict" });
        await half.abort();
        expect(await listKeys(client, "half/")).toEqual([]);
        await waiting.commit();
        expect(await listKeys(client, "waiting/")).toEqual(["waiting/page"]);
        expect(checkJournal(await readJournal(cluster.dsn))).toEqual([]);
      } finally {
        await copy.drop();
      }
    });
  });
});
