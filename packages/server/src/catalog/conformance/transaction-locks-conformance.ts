import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Change } from "../../model/change.js";
import {
  beginOf,
  deleteOf,
  finishOf,
  NAMESPACE,
  putOf,
  setNamespaceOf,
  setNodeOf,
  stageOf,
  transactionRef,
} from "../../model/test-changes.js";
import { ModelCatalog } from "../../model/test-model-catalog.js";
import type { Catalog } from "../catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { codeOf, commitEach, doneOf, withCatalog, withDatabase } from "./test-cluster-catalog.js";

const OTHER = parseNamespaceName("other");
const EMPTY = parseNamespaceName("empty");
/** Begins like one that is held, and is another one. */
const OTHER_2 = parseNamespaceName("other2");
const DAY_MS = 24 * 60 * 60_000;

const dropOf = (namespace = OTHER): Change => ({ kind: "drop-namespace", namespace });

const idOf = (number: number) => transactionRef(number).id;

/** What else must heed a transaction that is prepared, and how long is known what became of it. */
export function describeTransactionLocksConformance(harness: CatalogHarness): void {
  describe("what prepared transactions hold", () => {
    it("keeps a namespace, also for a key that there is not yet, until they end", () =>
      withCatalog(harness, async (catalog) => {
        const inOther = (number: number, key: string) => stageOf(number, putOf(key, key, { namespace: OTHER }));
        await commitEach(catalog, setNamespaceOf("other"), setNamespaceOf("other2"), beginOf(1), inOther(1, "absent"));
        expect(await commitEach(catalog, finishOf("prepare", 1))).toEqual(["ok"]);
        const { number } = await catalog.head();
        const refused = await catalog.commit(dropOf());
        expect(codeOf(refused)).toBe("key_locked");
        expect(refused.ok ? "" : refused.error.message).toContain("absent in other");
        expect((await catalog.head()).number).toBe(number);
        expect(await catalog.findNamespace(OTHER)).toMatchObject({ name: OTHER, files: 0 });
        expect(await commitEach(catalog, dropOf(OTHER_2), finishOf("abort", 1), dropOf())).toEqual(["ok", "ok", "ok"]);
        expect(await catalog.findNamespace(OTHER)).toBeUndefined();

        await commitEach(catalog, setNamespaceOf("other"), beginOf(2), inOther(2, "a"), finishOf("prepare", 2));
        expect(await commitEach(catalog, dropOf(), finishOf("commit", 2), dropOf())).toEqual([
          ...["key_locked", "ok", "namespace_not_empty"],
        ]);
        expect(await commitEach(catalog, deleteOf("a", { namespace: OTHER }), dropOf())).toEqual(["ok", "ok"]);
      }));

    it("keeps no namespace for what is only staged: then its transaction can be neither prepared nor committed", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, setNamespaceOf("empty"), beginOf(1));
        await commitEach(catalog, stageOf(1, putOf("a", "a", { namespace: EMPTY })), stageOf(1, putOf("b")));
        expect(await commitEach(catalog, dropOf(EMPTY))).toEqual(["ok"]);
        expect(await commitEach(catalog, finishOf("prepare", 1), finishOf("commit", 1), finishOf("abort", 1))).toEqual([
          ...["transaction_conflict", "transaction_conflict", "ok"],
        ]);
        expect(await catalog.findFile(NAMESPACE, parseFileKey("b"))).toBeUndefined();
      }));

    it("is touched by no restore, undeletion or expiry, while all beside it goes on", () =>
      withCatalog(harness, async (catalog) => {
        const key = parseFileKey("d/held");
        await commitEach(catalog, putOf("d/held", "1"), putOf("e/free", "1"), putOf("x", "1"), putOf("dead"));
        const { number: before } = await catalog.head();
        const version = (await catalog.findFile(NAMESPACE, key))?.version ?? 0;
        const overdue = { expires: { atMs: 1 } };
        await commitEach(
          catalog,
          putOf("d/held", "2"),
          putOf("e/free", "2"),
          putOf("x", "2", overdue),
          deleteOf("dead"),
        );
        const [expired] = await catalog.listExpired(10);
        await commitEach(catalog, beginOf(1), stageOf(1, putOf("d/held", "3")), stageOf(1, putOf("dead", "3")));
        await commitEach(catalog, stageOf(1, putOf("x", "3")), finishOf("prepare", 1));
        expect(await catalog.listExpired(10)).toEqual([]);
        const asOf = await catalog.getMoment({ number: before });
        const restore = (prefix: string): Change => ({ kind: "restore-prefix", namespace: NAMESPACE, prefix, asOf });
        const refused: Change[] = [
          ...[restore(""), restore("d/"), restore("d/held")],
          { kind: "restore", namespace: NAMESPACE, key, version },
          { kind: "undelete", namespace: NAMESPACE, key: parseFileKey("dead") },
          { kind: "expire", namespace: NAMESPACE, key: parseFileKey("x"), version: expired?.version ?? 0 },
        ];
        const { number } = await catalog.head();
        expect(await commitEach(catalog, ...refused)).toEqual(refused.map(() => "key_locked"));
        expect((await catalog.head()).number).toBe(number);
        expect(await commitEach(catalog, restore("e/"), finishOf("abort", 1), restore("d/"))).toEqual([
          "ok",
          "ok",
          "ok",
        ]);
        expect(await catalog.listExpired(10)).toEqual([expired]);
        expect(await commitEach(catalog, ...refused.slice(4))).toEqual(["ok", "ok"]);
      }));
  });

  describe("what became of transactions", () => {
    it("is known 30 days later, says the same when asked again, and is forgotten only then", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const model = happenLongAgo(catalog, [32, 29]);
        const groups = model.groups.map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
        expect(await catalog.completeJournal(groups, 1)).toBe(true);
        expect(await catalog.pruneTransactions(31 * DAY_MS, 1)).toBe(1);
        expect(await catalog.pruneTransactions(31 * DAY_MS, 10)).toBe(1);
        expect(await catalog.pruneTransactions(31 * DAY_MS, 10)).toBe(0);
        for (const old of [1, 2]) expect(await catalog.findTransaction(idOf(old))).toBeUndefined();
        expect(await catalog.findTransaction(idOf(3))).toEqual(model.transactions.get(idOf(3)));
        expect(await catalog.findTransaction(idOf(4))).toMatchObject({ state: "aborted", reason: "asked" });
        const { number } = await catalog.head();
        const version = model.transactions.get(idOf(3))?.number;
        expect(doneOf(await catalog.commit(finishOf("commit", 3)))).toMatchObject({ version, replayed: true });
        expect(await commitEach(catalog, finishOf("abort", 4), finishOf("abort", 3), finishOf("commit", 4))).toEqual([
          ...["ok", "transaction_finished", "transaction_finished"],
        ]);
        expect(await commitEach(catalog, finishOf("commit", 1), finishOf("abort", 2))).toEqual([
          ...["transaction_not_found", "transaction_not_found"],
        ]);
        expect((await catalog.head()).number).toBe(number);
        // However long ago it was prepared: what waits for its coordinator is never forgotten.
        expect(await catalog.pruneTransactions(0, 10)).toBe(2);
        expect(await catalog.findTransaction(idOf(5))).toMatchObject({ state: "prepared" });
        expect(await commitEach(catalog, putOf("waits"), finishOf("commit", 5))).toEqual(["key_locked", "ok"]);
      }));
  });
}

/**
 * One transaction that was committed and one that was aborted on each of these days before now, and one that was
 * prepared on the first of them and waits since.
 */
function happenLongAgo(catalog: Catalog, daysAgo: readonly [number, number]): ModelCatalog {
  const model = new ModelCatalog(catalog.clusterId);
  const mustCommit = (...changes: Change[]) => {
    expect(model.commit(changes).map(codeOf)).toEqual(changes.map(() => "ok"));
  };
  for (const [index, days] of daysAgo.entries()) {
    model.nowMs = Date.now() - days * DAY_MS;
    const [one, two] = [2 * index + 1, 2 * index + 2];
    if (index === 0) {
      mustCommit(setNamespaceOf(), setNodeOf(1));
      mustCommit(beginOf(5), stageOf(5, putOf("waits")));
      mustCommit(finishOf("prepare", 5));
    }
    mustCommit(beginOf(one), beginOf(two), stageOf(one, putOf(`${one}`)), stageOf(two, putOf(`${two}`)));
    mustCommit(finishOf("commit", one), finishOf("prepare", two));
    mustCommit(finishOf("abort", two));
  }
  return model;
}
