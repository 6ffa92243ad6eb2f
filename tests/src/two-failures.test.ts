import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectAccounted, expectReadable } from "./accounting/check-writes.js";
import { WriteLedger } from "./accounting/write-ledger.js";
import { checkWithSha256sum } from "./harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { rebuildFrom } from "./harness/recovery.js";
import { createTestCatalog } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

const WRITERS = 8;

/** Writers that put through these nodes until all of them were killed; what they were told is in the ledger. */
async function putUntilKilled(ledger: WriteLedger, nodes: readonly NodeProcess[], puts: number): Promise<void> {
  let isOver = false;
  const write = async (lane: number): Promise<void> => {
    const node = nodes[lane % nodes.length] as NodeProcess;
    for (let turn = 0; !isOver; turn += 1) {
      const key = `${puts}/${lane}-${turn}`;
      await ledger.put(node.url, key, `${key} `.repeat(1 + ((turn * 31) % 500)));
    }
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, lane) => write(lane)));
  await waitUntil("enough puts are acknowledged", () => ledger.acknowledged.length >= puts, { pollMs: 1 });
  await Promise.all(nodes.map((node) => node.kill("SIGKILL")));
  isOver = true;
  await writers;
}

function loseDisk(node: NodeProcess): void {
  for (const volume of node.data) rmSync(volume, { recursive: true });
}

describe("two failures at once", () => {
  it("of the machine that has the catalog and commits: the other one's mirror and bytes have every acknowledged file", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const ledger = new WriteLedger();
      await putUntilKilled(ledger, [a], 150);
      await b.kill("SIGKILL");
      loseDisk(a);
      for (const end of ["", "-wal", "-shm"]) rmSync(cluster.dsn.slice("sqlite:".length) + end, { force: true });
      const onTwo = ledger.acknowledged.filter(({ copies }) => copies === 2);
      expect(onTwo.length).toBeGreaterThan(100);
      await checkWithSha256sum(b, NAMESPACE, new Set(onTwo.map(({ digest }) => digest)));
      const target = await createTestCatalog("sqlite", join(cluster.folder, "rebuilt"));
      await rebuildFrom(cluster, target.dsn, ["--data", b.data[0] ?? "", "--verify"]);
      b.useCatalog(target.dsn);
      await b.start();
      await expectReadable(b, onTwo);
    });
  });

  it("of all nodes, as when the power goes: what was acknowledged is there, the rest is whole or is not", async () => {
    await withCluster({ nodes: 3, engine: "postgres" }, async (cluster) => {
      const ledger = new WriteLedger();
      for (const puts of [50, 150]) {
        await putUntilKilled(ledger, cluster.nodes, puts);
        await Promise.all(cluster.nodes.map((node) => node.start()));
        await cluster.waitUntilAllSeeAll();
        await expectAccounted(cluster, ledger.attempts);
      }
      expect(checkJournal(await readJournal(cluster.dsn))).toEqual([]);
    });
  });

  it("of a node with its disk while another one is brought up to date: that one still gets every file", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const ledger = new WriteLedger();
      await putAll(ledger, [a, b], 400);
      await cluster.waitUntilSettled();
      const c = await cluster.prepareNode("c");
      await c.start();
      await waitUntil("the new node has some and not all", async () => isUnderWay(cluster), { pollMs: 5 });
      await b.kill("SIGKILL");
      loseDisk(b);
      await waitUntil("the new node is up to date", async () => {
        const info = (await cluster.nodeInfos(a)).find(({ name }) => name === "c");
        return info?.backfill === 1 && info.debtFiles === 0;
      });
      await a.kill("SIGKILL");
      loseDisk(a);
      await checkWithSha256sum(c, NAMESPACE, new Set(ledger.attempts.map(({ digest }) => digest)));
      await expectReadable(c, ledger.attempts);
    });
  });
});

async function isUnderWay(cluster: Cluster): Promise<boolean> {
  const info = (await cluster.nodeInfos(cluster.node("a"))).find(({ name }) => name === "c");
  return info !== undefined && info.backfill < 1;
}

async function putAll(ledger: WriteLedger, nodes: readonly NodeProcess[], count: number): Promise<void> {
  const put = async (lane: number): Promise<void> => {
    for (let turn = 0; turn < count / WRITERS; turn += 1) {
      const key = `before/${lane}-${turn}`;
      await ledger.put((nodes[turn % nodes.length] as NodeProcess).url, key, key);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, lane) => put(lane)));
  expect(ledger.acknowledged).toHaveLength(count);
}
