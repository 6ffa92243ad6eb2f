import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MoveReport, PromotedCatalog } from "@koboldfs/server/recovery";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Cluster } from "./harness/cluster.js";
import { dropCatalog } from "./harness/drop-catalog.js";
import type { NodeProcess } from "./harness/node-process.js";
import { getFile, mustGet, mustPut, putFile } from "./harness/raw-files.js";
import { refusalOf } from "./harness/raw-request.js";
import { runCatalogCommand, startAllOn, stopAll, tryCatalogCommand } from "./harness/recovery.js";
import { checkReadable, SteadyWriters } from "./harness/steady-writers.js";
import { createTestCatalog } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

describe("a catalog that is moved while nodes write to it", () => {
  it("has everything that was acknowledged and owed, and the old one takes no write any more", async () => {
    await withCluster({ nodes: 3, engine: "sqlite" }, async (cluster) => {
      const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
      await c.stop();
      const target = await createTestCatalog("postgres", cluster.folder);
      const move = ["move", "--from", cluster.dsn, "--to", target.dsn];
      try {
        const writers = new SteadyWriters([a, b], 3);
        await waitUntil("some puts are acknowledged", () => writers.acknowledged.length > 10);
        const report = await runCatalogCommand<MoveReport>(cluster, move);
        await writers.stop();
        const { keys } = writers;
        expect(report).toMatchObject({ from: "sqlite", to: "postgres", names: keys.length, epoch: 1 });
        expect([...writers.refusals]).toEqual(["catalog_retired"]);
        // Reads go on, from the mirrors; and whoever asks for the move once more is told that it has happened.
        expect((await getFile(a.url, keys[0] ?? "")).headers["koboldfs-as-of"]).toBeDefined();
        expect(await runCatalogCommand(cluster, move)).toMatchObject({ names: keys.length, stoppedMs: 0 });
        await stopAll(cluster);
        await startAllOn(cluster, target.dsn);
        await checkReadable(a, keys);
        expect(checkJournal(await readJournal(target.dsn))).toEqual([]);
        // Node c was away: what it owed was written down in the old catalog only.
        await cluster.waitUntilSettled();
        await checkReadable(c, keys);
        expect(await mustPut(a.url, "later", "goes on")).toMatchObject({ copies: 2 });
        await stopAll(cluster);
        a.useCatalog(cluster.dsn);
        await a.start();
        expect(refusalOf(await putFile(a.url, "later", { body: "x" }))).toEqual({
          status: 503,
          code: "catalog_retired",
        });
        expect((await mustGet(a.url, "later")).toString()).toBe("goes on");
      } finally {
        await stopAll(cluster);
        await target.drop();
      }
    });
  });

  it("works on as before when the move fails", async () => {
    await withCluster({ nodes: 1, engine: "sqlite" }, async (cluster) => {
      const a = cluster.node("a");
      await mustPut(a.url, "k", "k");
      await withCluster({ nodes: 1, engine: "sqlite" }, async (other) => {
        const { stderr } = await tryCatalogCommand(cluster, ["move", "--from", cluster.dsn, "--to", other.dsn]);
        expect(JSON.parse(stderr)).toMatchObject({ error: { code: "catalog_not_empty" } });
      });
      expect(await mustPut(a.url, "k", "again")).toMatchObject({ copies: 1 });
    });
  });
});

describe.each(["sqlite", "postgres"] as const)("of two machines the one that is left (to %s)", (engine) => {
  it("makes its mirror the catalog, but not while anything speaks for the other being alive", async () => {
    await withCluster({ nodes: 2, engine: "postgres" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      for (let index = 0; index < 10; index += 1) await mustPut(a.url, `k${index}`, `k${index}`);
      await b.stop();
      await mustPut(a.url, "only a", "only a");
      const config = writeConfig(cluster, b);
      const target = await createTestCatalog(engine, cluster.folder);
      const { dsn } = target;
      onTestFinished(() => target.drop());
      const promote = (...more: string[]) =>
        tryCatalogCommand(cluster, ["promote", "--config", config, "--dsn", dsn, ...more]);
      const reasonOf = async (...more: string[]) => {
        const { stderr } = await promote(...more);
        return (JSON.parse(stderr) as { error: { message: string } }).error.message;
      };
      expect(await reasonOf("--other-is-gone")).toContain("the catalog at");
      await dropCatalog(cluster);
      expect(await reasonOf("--other-is-gone")).toContain("a answers at");
      await a.kill("SIGKILL");
      expect(await reasonOf()).toContain("nobody confirmed");
      const { code, stdout, stderr } = await promote("--other-is-gone");
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout) as PromotedCatalog;
      expect(report).toMatchObject({ names: 10, other: { name: "a" }, uncheckedNodes: ["a"] });
      b.useCatalog(dsn);
      await b.start();
      await checkReadable(
        b,
        Array.from({ length: 10 }, (_, index) => `k${index}`),
      );
      await mustPut(b.url, "k0", "from b");
      a.useCatalog(dsn);
      await a.start();
      await waitUntil("what only the other machine had is joined", async () => {
        return (await getFile(b.url, "only a")).status === 200;
      });
      expect((await mustGet(a.url, "k0")).toString()).toBe("from b");
      expect((await mustGet(b.url, "only a")).toString()).toBe("only a");
    });
  });
});

/** What stands in the node's `/etc/koboldfs.ini`. */
function writeConfig(cluster: Cluster, node: NodeProcess): string {
  const path = join(cluster.folder, `${node.name}.ini`);
  const lines = [
    `name = ${node.name}`,
    ...node.data.map((folder) => `data = ${folder}`),
    `dsn = ${cluster.dsn}`,
    `cluster_secret = ${cluster.secret ?? ""}`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}
