import { join } from "node:path";
import type { MoveReport } from "@koboldfs/server/recovery";
import { describe, expect, it } from "vitest";
import { MOVE_POINTS, REBUILD_POINTS } from "./crash/crash-points.js";
import { getFile, mustPut, putFile } from "./harness/raw-files.js";
import { refusalOf } from "./harness/raw-request.js";
import { killCatalogCommandAt, runCatalogCommand, startAllOn, stopAll, tryCatalogCommand } from "./harness/recovery.js";
import { checkReadable } from "./harness/steady-writers.js";
import { createTestCatalog } from "./harness/test-catalog.js";
import { useCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

const FILES = 30;

/** In this order: the second one begins where the first one ends. */
describe("a command that is killed at one instant after the other, and run again each time", () => {
  const cluster = useCluster({ nodes: 2, engine: "sqlite" });
  const keys: string[] = [];

  async function put(key: string): Promise<void> {
    await mustPut(cluster().node("a").url, key, key);
    keys.push(key);
  }

  it("moves the catalog in the end, and the old one is whole and written to until it is retired", async () => {
    const [a, b] = [cluster().node("a"), cluster().node("b")];
    for (let index = 0; index < FILES; index += 1) await put(`k${index}`);
    const target = await createTestCatalog("postgres", cluster().folder);
    try {
      const move = ["move", "--from", cluster().dsn, "--to", target.dsn];
      for (const point of MOVE_POINTS) {
        await killCatalogCommandAt(point, cluster(), move);
        if (MOVE_POINTS.indexOf(point) < MOVE_POINTS.indexOf("move.retired")) await put(`while ${point}`);
        else {
          const refused = await putFile(b.url, "too late", { body: "x" });
          expect(refusalOf(refused)).toEqual({ status: 503, code: "catalog_retired" });
        }
        await checkReadable(a, keys);
      }
      expect(await runCatalogCommand<MoveReport>(cluster(), move)).toMatchObject({ names: keys.length, stoppedMs: 0 });
      await stopAll(cluster());
      await startAllOn(cluster(), target.dsn);
      for (const node of [a, b]) await checkReadable(node, keys);
      expect((await getFile(a.url, "too late")).status).toBe(404);
      await put("in the new one");
      await cluster().waitUntilSettled();
      expect(checkJournal(await readJournal(target.dsn))).toEqual([]);
      await stopAll(cluster());
    } finally {
      await target.drop();
    }
  });

  it("makes a catalog from mirrors in the end, and makes it only once", async () => {
    const dsn = `sqlite:${join(cluster().folder, "rebuilt.sqlite")}`;
    const data = cluster().nodes.flatMap((node) => ["--data", node.data[0] ?? ""]);
    const rebuild = ["rebuild", "--dsn", dsn, ...data];
    for (const point of REBUILD_POINTS) await killCatalogCommandAt(point, cluster(), rebuild);
    // It had begun already: what was made then is whole, and nobody makes another history beside it.
    const { code, stderr } = await tryCatalogCommand(cluster(), rebuild);
    expect([code === 0, JSON.parse(stderr)]).toMatchObject([false, { error: { code: "catalog_not_empty" } }]);
    await startAllOn(cluster(), dsn);
    for (const node of cluster().nodes) await checkReadable(node, keys);
    await waitUntil("a put is on two machines", async () => {
      return (await mustPut(cluster().node("b").url, "later", "goes on")).copies === 2;
    });
    await cluster().waitUntilSettled();
    expect(checkJournal(await readJournal(dsn))).toEqual([]);
  });
});
