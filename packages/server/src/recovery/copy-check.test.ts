import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BlobLister } from "../blobs/blob-lister.js";
import type { BlobRef } from "../blobs/blob-store.js";
import type { Catalog } from "../catalog/catalog.js";
import { contentOf, NAMESPACE, nodeId, putOf, setNamespaceOf, setNodeOf } from "../model/test-changes.js";
import { CopyCheck, type NodeInventory } from "./copy-check.js";
import { groupsOf, openEmptyCatalog } from "./test-recovery.js";

const TEXTS = ["a", "b", "c", "d", "e", "f", "g"];
const REFS = TEXTS.map((text): BlobRef => ({ namespace: NAMESPACE, digest: contentOf(text).digest }));
const NODES = [1, 2, 3];

async function makeCatalog(): Promise<Catalog> {
  const catalog = await openEmptyCatalog();
  const changes = [setNamespaceOf(), ...NODES.map((node) => setNodeOf(node)), ...TEXTS.map((text) => putOf(text))];
  await catalog.rebuildJournal(groupsOf(changes), 0);
  return catalog;
}

function listerOf(refs: readonly BlobRef[]): BlobLister {
  const blobs = refs.toSorted((x, y) => (x.digest < y.digest ? -1 : 1));
  return { listBlobs: async () => ({ blobs }) };
}

function inventoryOf(node: number, refs: readonly BlobRef[], more: Partial<NodeInventory> = {}): NodeInventory {
  return { node: nodeId(node), lister: listerOf(refs), volumes: [`v${node}`], ...more };
}

/** What the catalog says after a check: who owes what, and whose backfill is done. */
async function readCatalog(catalog: Catalog) {
  const debts = (await catalog.listAllDebts(undefined, 1000)).map(({ node, digest, copies }) => ({
    node,
    digest,
    copies,
  }));
  const nodes = await catalog.listNodes();
  const complete = nodes.filter((node) => node.backfillPosition >= node.joinedAt).map(({ id }) => id);
  return { debts, complete };
}

describe("CopyCheck", () => {
  it("writes down exactly what is not there, whatever lies where", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.subarray(REFS), { minLength: 3, maxLength: 3 }), async (placed) => {
        const catalog = await makeCatalog();
        const stray: BlobRef = { namespace: NAMESPACE, digest: contentOf("nobody names this").digest };
        const inventories = placed.map((refs, index) => inventoryOf(index + 1, [...refs, stray]));
        const report = await new CopyCheck({ catalog, inventories }).run();
        const holdersOf = (ref: BlobRef) => placed.filter((refs) => refs.includes(ref)).length;
        const owed = placed.flatMap((refs, index) => {
          const lacking = REFS.filter((ref) => !refs.includes(ref));
          return lacking.map((ref) => ({ node: nodeId(index + 1), digest: ref.digest, copies: holdersOf(ref) }));
        });
        const sort = (debts: typeof owed) => debts.toSorted((a, b) => (a.node + a.digest < b.node + b.digest ? -1 : 1));
        const found = await readCatalog(catalog);
        expect(sort(found.debts as typeof owed)).toEqual(sort(owed));
        expect(found.complete).toHaveLength(NODES.length);
        expect(report.onNodes).toEqual(
          [0, 1, 2, 3].map((count) => REFS.filter((ref) => holdersOf(ref) === count).length),
        );
        const missing = REFS.filter((ref) => holdersOf(ref) === 0).map(({ digest }) => digest);
        expect(report.missing.map(({ digest }) => digest).toSorted()).toEqual(missing.toSorted());
      }),
      { numRuns: 5 },
    );
  });

  it("leaves a node to be filled from the beginning that was not looked at, or not at all its volumes", async () => {
    const catalog = await makeCatalog();
    const partial = inventoryOf(2, REFS.slice(1), { volumes: ["another"] });
    const report = await new CopyCheck({ catalog, inventories: [inventoryOf(1, REFS), partial] }).run();
    expect(await readCatalog(catalog)).toEqual({ debts: [], complete: [nodeId(1)] });
    expect(report.nodes).toMatchObject([
      { found: 7, lacking: 0, kept: "debts" },
      { found: 6, lacking: 1, kept: "backfill" },
    ]);
  });

  it("counts bytes that are not what their name says as lacking", async () => {
    const catalog = await makeCatalog();
    const bad = REFS[2] as BlobRef;
    const inventory = inventoryOf(1, REFS, { verify: async ({ digest }) => digest !== bad.digest });
    const report = await new CopyCheck({ catalog, inventories: [inventory] }).run();
    expect(report.nodes).toMatchObject([{ found: 6, lacking: 1, corrupt: 1 }]);
    expect(report.missing).toMatchObject([{ digest: bad.digest, key: "c" }]);
    expect((await readCatalog(catalog)).debts).toEqual([{ node: nodeId(1), digest: bad.digest, copies: 0 }]);
  });

  it("strikes off debts of blobs that are there after all", async () => {
    const catalog = await makeCatalog();
    const debts = REFS.map((ref) => ({ ...ref, node: nodeId(1), sizeBytes: 1, copies: 0 }));
    await catalog.addDebts(debts);
    await new CopyCheck({ catalog, inventories: [inventoryOf(1, REFS.slice(2))] }).run();
    const left = (await readCatalog(catalog)).debts.map(({ digest }) => digest).toSorted();
    expect(left).toEqual(
      REFS.slice(0, 2)
        .map(({ digest }) => digest)
        .toSorted(),
    );
  });
});
