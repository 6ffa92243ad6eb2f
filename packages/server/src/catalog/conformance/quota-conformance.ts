import { parseFileKey } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Change } from "../../model/change.js";
import {
  beginOf,
  deleteOf,
  finishOf,
  NAMESPACE,
  putOf,
  setNodeOf,
  setQuotaOf,
  stageOf,
  transactionRef,
} from "../../model/test-changes.js";
import { ModelCatalog } from "../../model/test-model-catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { checkJournal } from "./journal-check.js";
import { commitEach, withCatalog, withDatabase } from "./test-cluster-catalog.js";

const TEN = { maxFiles: 3, maxBytes: 10 };

/** What `quota.test` shows of one catalog in memory, an engine must keep between commits of several nodes. */
export function describeQuotaConformance(harness: CatalogHarness): void {
  describe("quotas", () => {
    it("are kept with the namespace, hold for every node, and can be taken away", () =>
      withCatalog(harness, async (catalog, { open }) => {
        await commitEach(catalog, setQuotaOf({ maxFiles: 3, maxBytes: Number.MAX_SAFE_INTEGER }));
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ maxBytes: Number.MAX_SAFE_INTEGER });
        await commitEach(catalog, setQuotaOf(TEN));
        const second = await open();
        expect(await second.findNamespace(NAMESPACE)).toMatchObject(TEN);
        expect(await commitEach(second, putOf("a", "123456"), putOf("b", "12345"))).toEqual(["ok", "quota_exceeded"]);
        const copy: Change = { kind: "copy", namespace: NAMESPACE, from: parseFileKey("a"), to: parseFileKey("c") };
        expect(await commitEach(catalog, copy, putOf("b", "1234"))).toEqual(["quota_exceeded", "ok"]);
        expect(await commitEach(catalog, setQuotaOf({}), copy)).toEqual(["ok", "ok"]);
        expect(await second.findNamespace(NAMESPACE)).not.toHaveProperty("maxBytes");
        await checkJournal(catalog);
      }));

    it("are reserved by a prepare against the commits of every node, until it is committed or aborted", () =>
      withCatalog(harness, async (catalog, { open }) => {
        const second = await open();
        await commitEach(catalog, setQuotaOf(TEN), putOf("old", "12"), beginOf(1), beginOf(2));
        await commitEach(
          catalog,
          stageOf(1, putOf("a", "12345")),
          stageOf(2, putOf("b", "1234")),
          finishOf("prepare", 1),
        );
        expect((await catalog.findTransaction(transactionRef(1).id))?.reserved).toEqual({
          [NAMESPACE]: { files: 1, bytes: 5 },
        });
        expect(await commitEach(second, finishOf("prepare", 2), finishOf("commit", 2), putOf("c", "1234"))).toEqual([
          ...["quota_exceeded", "quota_exceeded", "quota_exceeded"],
        ]);
        expect(await commitEach(second, putOf("c", "123"), finishOf("commit", 1), deleteOf("c"))).toEqual([
          ...["ok", "ok", "ok"],
        ]);
        expect(await commitEach(catalog, finishOf("prepare", 2), finishOf("abort", 2))).toEqual([
          "quota_exceeded",
          "ok",
        ]);
        expect(await commitEach(catalog, putOf("c", "123"))).toEqual(["ok"]);
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 3, bytes: "10" });
        expect((await catalog.findTransaction(transactionRef(1).id))?.reserved).toBeUndefined();
      }));

    it("are reserved as before in a catalog that is made from the journal", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const model = new ModelCatalog(catalog.clusterId);
        const staged = [putOf("a", "1234567"), deleteOf("old")].map((change) => stageOf(1, change));
        const history = [
          [setQuotaOf(TEN), setNodeOf(1)],
          [putOf("old", "12"), beginOf(1), ...staged],
          [finishOf("prepare", 1)],
        ];
        for (const changes of history) model.commit(changes);
        const groups = model.groups.map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
        // The prepare comes in a batch of its own: what its keys name is read from what the batches before left.
        expect(await catalog.completeJournal(groups.slice(0, -1), 1)).toBe(true);
        expect(await catalog.completeJournal(groups.slice(-1), 1)).toBe(true);
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject(TEN);
        expect(await catalog.listUnfinishedTransactions()).toEqual([model.transactions.get(transactionRef(1).id)]);
        expect(await commitEach(catalog, putOf("b", "1234"), putOf("b", "123"), finishOf("commit", 1))).toEqual([
          ...["quota_exceeded", "ok", "ok"],
        ]);
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 2, bytes: "10" });
        await checkJournal(catalog);
      }));
  });
}
