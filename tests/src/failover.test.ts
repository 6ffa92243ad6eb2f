import { describe, expect, it } from "vitest";
import { type CatalogCopy, copyCatalog } from "./harness/catalog-copy.js";
import type { Cluster } from "./harness/cluster.js";
import { statusOf, waitUntilWhole } from "./harness/node-status.js";
import { getFile, mustGet, mustPut, putFile } from "./harness/raw-files.js";
import { refusalOf } from "./harness/raw-request.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

async function stopAll(cluster: Cluster): Promise<void> {
  for (const node of cluster.running) await node.stop();
}

async function startAll(cluster: Cluster): Promise<void> {
  for (const node of cluster.nodes) await node.start();
  await cluster.waitUntilAllSeeAll();
}

/** The catalog as it is now, to be put back later. The nodes are stopped for it and started again. */
async function withCopy(cluster: Cluster, body: (copy: CatalogCopy) => Promise<void>): Promise<void> {
  await stopAll(cluster);
  const copy = await copyCatalog(cluster.dsn);
  try {
    await startAll(cluster);
    await body(copy);
  } finally {
    await copy.drop();
  }
}

describe.each(["sqlite", "postgres"] as const)("an older copy of the catalog (%s) in its place", (engine) => {
  it("is completed from the mirrors: nothing acknowledged is lost, and it is reported", async () => {
    await withCluster({ nodes: 2, engine }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      await mustPut(a.url, "before", "old");
      await withCopy(cluster, async (copy) => {
        for (let index = 0; index < 20; index += 1) await mustPut(index % 2 ? a.url : b.url, `k${index}`, `v${index}`);
        await mustPut(a.url, "before", "new");
        const { head } = await statusOf(a);
        await stopAll(cluster);
        await copy.restore();
        await startAll(cluster);
        for (const node of [a, b]) await waitUntilWhole(node);
        for (const node of [a, b]) {
          expect((await mustGet(node.url, "before")).toString()).toBe("new");
          for (let index = 0; index < 20; index += 1) {
            expect((await mustGet(node.url, `k${index}`)).toString()).toBe(`v${index}`);
          }
        }
        const after = await statusOf(a);
        expect(after).toMatchObject({ epoch: 1 });
        expect(after.head).toBeGreaterThanOrEqual(head);
        const reports = [...after.history, ...(await statusOf(b)).history];
        expect(reports).toContainEqual(expect.objectContaining({ kind: "completed" }));
        expect(checkJournal(await readJournal(cluster.dsn))).toEqual([]);
        expect(await mustPut(b.url, "later", "goes on")).toMatchObject({ copies: 2 });
        await cluster.waitUntilSettled();
      });
    });
  });

  it("that went on with another node keeps both sides, says so, and what it said stays current", async () => {
    await withCluster({ nodes: 2, engine }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      await withCopy(cluster, async (copy) => {
        await mustPut(a.url, "mirrored", "only the mirrors know this");
        await mustPut(a.url, "both", "the mirrors' side");
        await stopAll(cluster);
        await copy.restore();
        // Its mirror is new: it cannot know that the catalog lacks something.
        const c = await cluster.prepareNode("c");
        await c.start();
        expect(await mustPut(c.url, "both", "the catalog's side")).toMatchObject({ copies: 1 });
        for (const node of [a, b]) await node.start();
        for (const node of [a, b]) await waitUntilWhole(node);
        await waitUntil("the sides are joined", async () => {
          const events = (await statusOf(a)).history.map(({ kind }) => kind);
          return events.includes("forked") && events.includes("joined");
        });
        for (const node of [a, b, c]) {
          expect((await mustGet(node.url, "mirrored")).toString()).toBe("only the mirrors know this");
          expect((await mustGet(node.url, "both")).toString()).toBe("the catalog's side");
        }
        const journal = await readJournal(cluster.dsn);
        expect(checkJournal(journal)).toEqual([]);
        const puts = journal.groups.flatMap(
          ({ bytes }) => bytes.toString().match(/"kind":"put"[^\n]*"key":"both"/g) ?? [],
        );
        // The catalog's, the mirrors' behind it, and the catalog's again.
        expect(puts).toHaveLength(3);
      });
    });
  });

  it("from before a repair is refused by its epoch: nothing is written to it, nothing is read from it", async () => {
    await withCluster({ nodes: 2, engine }, async (cluster) => {
      const a = cluster.node("a");
      await withCopy(cluster, async (copy) => {
        await mustPut(a.url, "k", "acknowledged");
        for (let time = 0; time < 2; time += 1) {
          await stopAll(cluster);
          await copy.restore();
          await startAll(cluster);
          if (time === 0) for (const node of cluster.nodes) await waitUntilWhole(node);
        }
        await waitUntil("reads come from the mirror", async () => (await getFile(a.url, "k")).status === 200);
        const read = await getFile(a.url, "k");
        expect([read.body.toString(), read.headers["koboldfs-as-of"]]).toEqual(["acknowledged", expect.any(String)]);
        const refused = await putFile(a.url, "k", { body: "to the old catalog" });
        expect(refusalOf(refused)).toEqual({ status: 503, code: "catalog_outdated" });
        expect(refused.headers["retry-after"]).toBeDefined();
      });
    });
  });
});

describe("a standby that lacks the last commits", () => {
  it("and is promoted under running nodes, is fenced, completed, and written to again by itself", async () => {
    await withCluster({ nodes: 2, engine: "postgres" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      await withCopy(cluster, async (copy) => {
        for (let index = 0; index < 10; index += 1) await mustPut(a.url, `k${index}`, `v${index}`);
        await copy.restore();
        await waitUntil(
          "writes go on",
          async () => (await putFile(b.url, "afterwards", { body: "written" })).status < 300,
        );
        for (const node of [a, b]) await waitUntilWhole(node);
        for (let index = 0; index < 10; index += 1) {
          expect((await mustGet(b.url, `k${index}`)).toString()).toBe(`v${index}`);
        }
        expect((await mustGet(a.url, "afterwards")).toString()).toBe("written");
        expect(checkJournal(await readJournal(cluster.dsn))).toEqual([]);
        expect((await statusOf(a)).epoch).toBe(1);
      });
    });
  });
});
