import { parseFileKey } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { NAMESPACE, putOf, setNamespaceOf } from "../../model/test-changes.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { FaultPlan } from "./fault-plan.js";
import { doneOf, withCatalog, withDatabase } from "./test-cluster-catalog.js";

/** More than the migrations have statements. */
const MAX_STATEMENTS = 100;

export function describeMigrationConformance(harness: CatalogHarness): void {
  describe("migrations", () => {
    it("make one schema and one cluster when several nodes open an empty database at once", () =>
      withDatabase(harness, async ({ open }) => {
        const catalogs = await Promise.all([open(), open(), open(), open()]);
        const ids = new Set(catalogs.map((catalog) => catalog.clusterId));
        expect([...ids]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
        const [first, second] = catalogs;
        doneOf(await first?.commit(setNamespaceOf()));
        expect(await second?.findNamespace(NAMESPACE)).toMatchObject({ files: 0 });
      }));

    it("do no harm when every step is run a second time", () =>
      withCatalog(harness, async (catalog, { database, open }) => {
        doneOf(await catalog.commit(putOf("a")));
        await database.query("delete from migrations");
        const again = await open();
        expect(again.clusterId).toBe(catalog.clusterId);
        expect(await again.findFile(NAMESPACE, parseFileKey("a"))).toMatchObject({ key: "a" });
        doneOf(await again.commit(putOf("b")));
      }));

    it("go on at the next start when they were cut at any statement", () =>
      withDatabase(harness, async ({ open }) => {
        const faults = new FaultPlan();
        for (let at = 0; at < MAX_STATEMENTS; at += 1) {
          faults.arm("cut-after", at);
          const opened = await Promise.allSettled([open({ faults, faultsIn: "prepare" })]);
          if (faults.fired === undefined) {
            expect(opened[0]).toMatchObject({ status: "fulfilled" });
            break;
          }
        }
        expect(faults.fired).toBeUndefined();
        const catalog = await open();
        doneOf(await catalog.commit(setNamespaceOf()));
        doneOf(await catalog.commit(putOf("a")));
      }));

    it("are refused as catalog_schema_unknown when a newer version has been here", () =>
      withCatalog(harness, async (_, { database, open }) => {
        await database.query("insert into migrations values (9999, 0)");
        await expect(open()).rejects.toMatchObject({ code: "catalog_schema_unknown" });
      }));
  });
}
