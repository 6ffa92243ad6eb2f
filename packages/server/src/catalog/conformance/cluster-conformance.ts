import { parseNodeName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { digestOf, NAMESPACE, nodeId, putOf, setNodeOf } from "../../model/test-changes.js";
import type { Catalog, Debt } from "../catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { codeOf, doneOf, withCatalog } from "./test-cluster-catalog.js";

const SPACE = { freeBytes: 5, totalBytes: Number.MAX_SAFE_INTEGER };

async function findNode(catalog: Catalog, number: number) {
  return (await catalog.listNodes()).find((node) => node.id === nodeId(number));
}

function debtOf(node: number, text: string, copies = 1): Debt {
  return { node: nodeId(node), namespace: NAMESPACE, digest: digestOf(text), sizeBytes: text.length, copies };
}

export function describeClusterConformance(harness: CatalogHarness): void {
  describe("nodes", () => {
    it("answers a node as it was set, and with a heartbeat its age and space", () =>
      withCatalog(harness, async (catalog) => {
        const { node } = setNodeOf(1);
        expect(await findNode(catalog, 1)).toMatchObject({
          ...node,
          freeBytes: 0,
          totalBytes: 0,
          joinedAt: 2,
          backfillPosition: 2,
        });
        const nodes = await catalog.heartbeat(node.id, SPACE);
        expect(nodes).toEqual([expect.objectContaining({ ...node, ...SPACE })]);
        expect(nodes[0]?.heartbeatAgeMs).toBeGreaterThanOrEqual(0);
        expect(nodes[0]?.heartbeatAgeMs).toBeLessThan(60_000);
        await expect(catalog.heartbeat(nodeId(9), SPACE)).rejects.toMatchObject({ code: "node_not_found" });
      }));

    it("keeps place and heartbeat when a node is set again, and refuses a name that is taken", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.heartbeat(nodeId(1), SPACE);
        doneOf(await catalog.commit(setNodeOf(1, { url: "http://elsewhere", volumes: ["v1", "v9"] })));
        expect(await findNode(catalog, 1)).toMatchObject({
          ...SPACE,
          url: "http://elsewhere",
          volumes: ["v1", "v9"],
          joinedAt: 2,
        });
        expect(codeOf(await catalog.commit(setNodeOf(2, { name: parseNodeName("node-1") })))).toBe("node_name_taken");
      }));

    it("backfills a joining node from the beginning, and moves its position only forward", () =>
      withCatalog(harness, async (catalog) => {
        doneOf(await catalog.commit(putOf("a", "x")));
        doneOf(await catalog.commit(setNodeOf(2)));
        expect(await findNode(catalog, 2)).toMatchObject({ joinedAt: 4, backfillPosition: 0 });
        for (const position of [3, 1]) await catalog.setBackfillPosition(nodeId(2), position);
        expect(await findNode(catalog, 2)).toMatchObject({ backfillPosition: 3 });
        const range = { after: 0, until: 4, limit: 10 };
        expect(await catalog.listJournalBlobs(range)).toEqual([
          { number: 3, namespace: NAMESPACE, digest: digestOf("x"), sizeBytes: 1 },
        ]);
        expect(await catalog.listJournalBlobs({ ...range, after: 3 })).toEqual([]);
        expect(await catalog.listJournalBlobs({ ...range, until: 2 })).toEqual([]);
      }));
  });

  describe("debts", () => {
    it("owes each put to the nodes that do not have it, fewest copies first, and settles idempotently", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commitAll([setNodeOf(2), setNodeOf(3)]);
        const placedOn = [nodeId(1), nodeId(2)];
        const done = doneOf(await catalog.commit(putOf("two", "22", { placedOn })));
        expect(done).toMatchObject({ copies: 2, holders: 3, owing: [nodeId(3)] });
        await catalog.commitAll([putOf("a", "1"), putOf("b", "333")]);
        const owed = [debtOf(3, "1"), debtOf(3, "333"), debtOf(3, "22", 2)];
        expect(await catalog.listDebts(nodeId(3), 10)).toEqual(owed);
        expect(await catalog.listDebts(nodeId(3), 1)).toEqual(owed.slice(0, 1));
        expect(await catalog.listDebts(nodeId(3), 10, 1)).toEqual(owed.slice(1));
        expect(await catalog.listDebts(nodeId(1), 10)).toEqual([]);
        expect(await catalog.countDebts()).toEqual([
          { node: nodeId(2), files: 2, bytes: 4n, oldest: done.version + 1 },
          { node: nodeId(3), files: 3, bytes: 6n, oldest: done.version },
        ]);
        for (const _ of [1, 2]) await catalog.settleDebts(owed.slice(0, 2));
        expect(await catalog.listDebts(nodeId(3), 10)).toEqual(owed.slice(2));
        await catalog.settleDebts([]);
      }));

    it("clears the debt of a node that got the same bytes by a later put, also within one commit", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commitAll([setNodeOf(2)]);
        await catalog.commit(putOf("a", "x"));
        await catalog.commit(putOf("b", "x", { placedOn: [nodeId(2)] }));
        expect(await catalog.listDebts(nodeId(2), 10)).toEqual([]);
        expect(await catalog.listDebts(nodeId(1), 10)).toEqual([debtOf(1, "x")]);
        await catalog.commitAll([putOf("c", "y"), putOf("d", "y", { placedOn: [nodeId(1), nodeId(2)] })]);
        expect(await catalog.listDebts(nodeId(2), 10)).toEqual([]);
      }));

    it("takes a debt that a node found itself, once", () =>
      withCatalog(harness, async (catalog) => {
        for (const _ of [1, 2]) await catalog.addDebt(debtOf(1, "lost"));
        expect(await catalog.listDebts(nodeId(1), 10)).toEqual([debtOf(1, "lost")]);
      }));

    it("takes many debts at once, and of those that are owed already how many copies there are now", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.addDebt(debtOf(1, "lost"));
        const debts = ["lost", "gone"].map((text) => ({ ...debtOf(1, text), copies: 7 }));
        for (const _ of [1, 2]) await catalog.addDebts(debts);
        const found = await catalog.listDebts(nodeId(1), 10);
        expect(new Set(found.map(({ digest, copies }) => [digest, copies].join()))).toEqual(
          new Set(debts.map(({ digest, copies }) => [digest, copies].join())),
        );
        await catalog.addDebts([]);
      }));
  });

  describe("leases", () => {
    it("gives a lease to one of two that ask at once, renews it for its holder, and frees it on release", () =>
      withCatalog(harness, async (catalog, { open }) => {
        const other = await open();
        for (let round = 0; round < 5; round += 1) {
          const name = `lease ${round}`;
          const [first, second] = await Promise.all([
            catalog.acquireLease(name, "a", 60_000),
            other.acquireLease(name, "b", 60_000),
          ]);
          expect([first, second].filter(Boolean)).toHaveLength(1);
          const [holder, loser] = first ? ["a", "b"] : ["b", "a"];
          expect(await other.acquireLease(name, holder, 60_000)).toBe(true);
          expect(await catalog.acquireLease(name, loser, 60_000)).toBe(false);
          await catalog.releaseLease(name, loser);
          expect(await catalog.acquireLease(name, loser, 60_000)).toBe(false);
          await catalog.releaseLease(name, holder);
          expect(await catalog.acquireLease(name, loser, 60_000)).toBe(true);
        }
      }));

    it("lets another holder have a lease that has run out", () =>
      withCatalog(harness, async (catalog) => {
        expect(await catalog.acquireLease("short", "a", 0)).toBe(true);
        await expect.poll(() => catalog.acquireLease("short", "b", 60_000), { timeout: 10_000 }).toBe(true);
        expect(await catalog.acquireLease("short", "a", 60_000)).toBe(false);
      }));
  });
}
