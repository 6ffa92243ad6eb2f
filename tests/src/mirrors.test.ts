import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NodeProcess } from "./harness/node-process.js";
import { concurrently } from "./harness/concurrently.js";
import { freezeUnlocked } from "./harness/freeze-unlocked.js";
import { mustPut } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { readJournal } from "./history/read-journal.js";

/** The keys that a node's mirror has on its disk, past every process. */
async function keysInMirror(node: NodeProcess): Promise<Set<string>> {
  const { groups } = await readJournal(`sqlite:${join(node.data[0] ?? "", "mirror.sqlite")}`);
  const lines = groups.flatMap(({ bytes }) => bytes.toString("utf8").trimEnd().split("\n").slice(1));
  const entries = lines.map((line) => JSON.parse(line) as { kind: string; key?: string });
  return new Set(entries.flatMap(({ kind, key }) => (kind === "put" && key !== undefined ? [key] : [])));
}

describe.each(["sqlite", "postgres"] as const)("mirrors of a catalog in %s", (engine) => {
  it("have on two nodes what was acknowledged before the committing node was killed", async () => {
    await withCluster({ nodes: 2, engine }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const acknowledged: string[] = [];
      let isKilled = false;
      const writer = async (lane: number) => {
        for (let index = 0; !isKilled; index += 1) {
          const key = `k-${lane}-${index}`;
          const put = await mustPut(a.url, key, key).catch(() => undefined);
          if (put?.copies === 2) acknowledged.push(key);
        }
      };
      const writers = Array.from({ length: 8 }, (_, lane) => writer(lane));
      await waitUntil("some puts are acknowledged", () => acknowledged.length > 100);
      await a.kill("SIGKILL");
      isKilled = true;
      await Promise.all(writers);
      const mirrored = await keysInMirror(b);
      expect(acknowledged.filter((key) => !mirrored.has(key))).toEqual([]);
      expect((await keysInMirror(a)).size).toBeGreaterThanOrEqual(acknowledged.length);
    });
  });

  it("follow what other nodes commit, and catch up after an absence, without a gap", async () => {
    await withCluster({ nodes: 3, engine }, async (cluster) => {
      const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
      await c.stop();
      const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
      await concurrently(
        keys.entries(),
        8,
        async ([index, key]) => void (await mustPut(index % 2 ? a.url : b.url, key, key)),
      );
      await c.start();
      await mustPut(c.url, "own", "own");
      await waitUntil("the mirrors are at the head", async () => {
        const infos = await cluster.nodeInfos(a);
        return infos.every(({ mirror }) => mirror?.lag === 0);
      });
      for (const node of [a, b, c]) {
        const mirrored = await keysInMirror(node);
        expect([...keys, "own"].filter((key) => !mirrored.has(key))).toEqual([]);
      }
    });
  });
});

describe("a peer that stands still", () => {
  it("holds puts up for a bounded time, and they say that they have one copy", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      expect(await mustPut(a.url, "before", "before")).toMatchObject({ copies: 2 });
      await freezeUnlocked(b, cluster.dsn);
      for (let index = 0; index < 5; index += 1) {
        expect(await mustPut(a.url, `k${index}`, "alone")).toMatchObject({ copies: 1, wanted: 2 });
      }
      await b.kill("SIGCONT");
      await waitUntil("puts have two copies again", async () => (await mustPut(a.url, "later", "x")).copies === 2);
      const mirrored = await keysInMirror(b);
      expect(Array.from({ length: 5 }, (_, index) => mirrored.has(`k${index}`))).toEqual(Array(5).fill(true));
    });
  });
});
