import { describe, expect, it } from "vitest";
import type { Change } from "../../model/change.js";
import type { JournalGroup } from "../../model/journal-group.js";
import { deleteOf, NAMESPACE, nodeId, putOf, setNamespaceOf, setNodeOf } from "../../model/test-changes.js";
import { ModelCatalog } from "../../model/test-model-catalog.js";
import type { Catalog } from "../catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { checkJournal } from "./journal-check.js";
import { doneOf, withDatabase } from "./test-cluster-catalog.js";

const NAMED = putOf("named", "x", { idempotency: { key: "i", fingerprint: "f" } });

/** A history of the catalog's own cluster that happened elsewhere: what the mirrors of a stale standby hold. */
function happenElsewhere(catalog: Catalog): { model: ModelCatalog; groups: JournalGroup[] } {
  const model = new ModelCatalog(catalog.clusterId);
  const history: Change[][] = [
    [setNamespaceOf(), setNodeOf(1), setNodeOf(2)],
    [putOf("a", "one"), putOf("b", "two")],
    [NAMED, putOf("a", "three")],
    [deleteOf("b"), setNamespaceOf("other", 2)],
  ];
  for (const changes of history) model.commit(changes);
  return { model, groups: model.groups.map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes })) };
}

export function describeCompletionConformance(harness: CatalogHarness): void {
  describe("a catalog that lacks what was committed", () => {
    it("gets the groups back with their numbers, and everything that they imply", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const { model, groups } = happenElsewhere(catalog);
        expect(await catalog.completeJournal(groups.slice(0, 2), 1)).toBe(true);
        expect(await catalog.completeJournal(groups.slice(2), 1)).toBe(true);
        const { number, hash } = model.head;
        expect(await catalog.head()).toEqual({ number, hash, epoch: 1 });
        expect(await catalog.listGroups(0, 10)).toEqual(groups);
        await checkJournal(catalog);
        const { files } = await catalog.listFiles(NAMESPACE, { limit: 10 });
        expect(files).toEqual([...model.files.values()].toSorted((x, y) => (x.key < y.key ? -1 : 1)));
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 2, bytes: "6" });
        expect((await catalog.listNodes()).map(({ name }) => name)).toEqual(["node-1", "node-2"]);
      }));

    it("lets every holder look for the blobs, and answers a repeated request as the first time", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const { groups } = happenElsewhere(catalog);
        await catalog.completeJournal(groups, 1);
        for (const node of [1, 2]) {
          const debts = await catalog.listDebts(nodeId(node), 10);
          expect(debts.map(({ copies }) => copies)).toEqual([0, 0, 0, 0]);
        }
        expect(doneOf(await catalog.commit(NAMED))).toMatchObject({
          version: 6,
          copies: 1,
          holders: 2,
          replayed: true,
        });
        expect(doneOf(await catalog.commit(putOf("next")))).toMatchObject({ version: 10 });
        await checkJournal(catalog);
      }));

    it("takes nothing that does not continue its head, and keeps its epoch", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const { groups } = happenElsewhere(catalog);
        expect(await catalog.completeJournal(groups.slice(1), 1)).toBe(false);
        await catalog.completeJournal(groups.slice(0, 3), 1);
        expect(await catalog.completeJournal(groups, 2)).toBe(false);
        await catalog.commit(putOf("other"));
        expect(await catalog.completeJournal(groups.slice(3), 2)).toBe(false);
        expect(await catalog.head()).toMatchObject({ number: 8, epoch: 1 });
        await checkJournal(catalog);
      }));

    it("is completed once when several nodes do it at once", () =>
      withDatabase(harness, async ({ open }) => {
        const catalogs = [await open(), await open(), await open()];
        const [first] = catalogs;
        if (first === undefined) return;
        const { groups } = happenElsewhere(first);
        const results = await Promise.all(catalogs.map((catalog) => catalog.completeJournal(groups, 1)));
        expect(results.filter(Boolean)).toHaveLength(1);
        await checkJournal(first);
        await first.raiseEpoch(5);
        await catalogs[1]?.raiseEpoch(5);
        expect(await first.head()).toMatchObject({ number: 9, epoch: 5 });
        expect(await first.findGroupHash(9)).toBe(groups.at(-1)?.hash);
      }));
  });
}
