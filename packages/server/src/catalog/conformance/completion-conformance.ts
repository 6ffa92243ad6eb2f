import { describe, expect, it } from "vitest";
import type { Change, FileContent } from "../../model/change.js";
import { findFence, RETIRED_EPOCH, UNFINISHED_EPOCH } from "../../model/fence.js";
import { type JournalGroup, parseJournalGroup } from "../../model/journal-group.js";
import { contentOf, deleteOf, NAMESPACE, nodeId, putOf, setNamespaceOf, setNodeOf } from "../../model/test-changes.js";
import { ModelCatalog } from "../../model/test-model-catalog.js";
import type { Catalog, Debt } from "../catalog.js";
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

function blobOf({ digest }: FileContent) {
  return { namespace: NAMESPACE, digest };
}

export function describeCompletionConformance(harness: CatalogHarness): void {
  describe("a catalog that was retired", () => {
    it("takes no commit and no debt of anybody, until it is revived", () =>
      withDatabase(harness, async ({ open }) => {
        const [catalog, other] = [await open(), await open()];
        await catalog.commitAll([setNamespaceOf(), setNodeOf(1)]);
        await catalog.raiseEpoch(3);
        await Promise.all([catalog.retire(), other.retire()]);
        expect(await other.head()).toMatchObject({ number: 2, epoch: RETIRED_EPOCH });
        await expect(other.commit(putOf("a"))).rejects.toMatchObject({ code: "catalog_retired" });
        const debt = { ...blobOf(contentOf("x")), node: nodeId(1), sizeBytes: 1, copies: 1 };
        await expect(other.addDebt(debt)).rejects.toMatchObject({ code: "catalog_retired" });
        await expect(other.confirmUnreferenced([debt])).rejects.toMatchObject({ code: "catalog_retired" });
        await catalog.revive();
        expect(await other.head()).toMatchObject({ number: 2, epoch: 3 });
        expect(doneOf(await other.commit(putOf("a")))).toMatchObject({ version: 3 });
      }));
  });

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

    it("is made anew: unfinished until an epoch is raised, and every node to be filled from the beginning", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const { model, groups } = happenElsewhere(catalog);
        const since = parseJournalGroup(groups[2]?.bytes ?? Buffer.alloc(0)).timeMs;
        expect(await catalog.rebuildJournal(groups.slice(0, 2), since)).toBe(true);
        expect(await catalog.rebuildJournal(groups.slice(1), since)).toBe(false);
        expect(await catalog.rebuildJournal(groups.slice(2), since)).toBe(true);
        for (let time = 0; time < 2; time += 1) await catalog.indexJournal();
        expect(await catalog.head()).toMatchObject({ number: model.head.number, epoch: UNFINISHED_EPOCH });
        const known = { number: 0, hash: "", epoch: 0 };
        expect(findFence({ ...(await catalog.head()), hashAtKnown: undefined }, known)?.code).toBe(
          "catalog_unfinished",
        );
        await expect(catalog.confirmUnreferenced([NAMED.content].map(blobOf))).rejects.toMatchObject({
          code: "catalog_unfinished",
        });
        const places = (await catalog.listNodes()).map(({ joinedAt, backfillPosition }) => [
          joinedAt,
          backfillPosition,
        ]);
        expect(places).toEqual([
          [9, 0],
          [9, 0],
        ]);
        expect(await catalog.countDebts()).toEqual([]);
        await catalog.raiseEpoch(7);
        expect(await catalog.head()).toMatchObject({ epoch: 7 });
        expect(doneOf(await catalog.commit(NAMED))).toMatchObject({ version: 6, replayed: true });
        await checkJournal(catalog);
      }));

    it("says who lacks what in as many debts as there are, and who called a blob what", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const { groups } = happenElsewhere(catalog);
        await catalog.rebuildJournal(groups, 0);
        const debts = [1, 2].flatMap((node) =>
          ["x", "two", "one"].map((text) => ({
            ...blobOf(contentOf(text)),
            node: nodeId(node),
            sizeBytes: 3,
            copies: 1,
          })),
        );
        await catalog.addDebts(debts);
        await catalog.addDebts(debts.slice(0, 1).map((debt) => ({ ...debt, copies: 0 })));
        const seen = [];
        for (let after: Debt | undefined; ; ) {
          const page: Debt[] = await catalog.listAllDebts(after, 2);
          seen.push(...page);
          after = page.at(-1);
          if (page.length < 2) break;
        }
        const sorted = debts.toSorted((a, b) => (a.node + a.digest < b.node + b.digest ? -1 : 1));
        expect(seen.map(({ node, digest }) => node + digest)).toEqual(sorted.map(({ node, digest }) => node + digest));
        expect((await catalog.listDebts(nodeId(1), 10)).map(({ copies }) => copies)).toEqual([0, 1, 1]);
        expect(await catalog.countVersions()).toEqual({ files: 2, bytes: 6n });
        expect(await catalog.listNamesOf(blobOf(contentOf("one")), 5)).toEqual([
          { namespace: NAMESPACE, key: "a", version: 4 },
        ]);
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
