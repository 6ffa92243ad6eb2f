import { describe, expect, it } from "vitest";
import { deleteOf, digestOf, NAMESPACE, nodeId, putOf, setNamespaceOf, setNodeOf } from "../../model/test-changes.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { doneOf, withCatalog } from "./test-cluster-catalog.js";

const FIRST = { digest: "00".repeat(32), namespace: "" };
const LAST = "ff".repeat(32);

function blobOf(text: string, namespace: string = NAMESPACE) {
  return { namespace, digest: digestOf(text), sizeBytes: text.length };
}

export function describeCopyConformance(harness: CatalogHarness): void {
  describe("who has which bytes", () => {
    it("is told of blobs that some nodes owe and another does not, counted and listed", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commitAll([setNodeOf(2), setNodeOf(3)]);
        await catalog.commit(putOf("only-1", "1"));
        await catalog.commit(putOf("not-3", "333", { placedOn: [nodeId(1), nodeId(2)] }));
        await catalog.commit(putOf("not-1", "55555", { placedOn: [nodeId(2)] }));
        const by = [nodeId(2), nodeId(3)];
        const any = { by, atLeast: 1, notBy: nodeId(1) };
        expect(await catalog.countOwed(any)).toEqual({ files: 2, bytes: 4n });
        const all = { ...any, atLeast: 2 };
        expect(await catalog.countOwed(all)).toEqual({ files: 1, bytes: 1n });
        expect(await catalog.listOwed(all, 10)).toEqual([blobOf("1")]);
        expect(await catalog.listOwed(any, 1)).toHaveLength(1);
        expect(await catalog.countOwed({ by: [nodeId(9)], atLeast: 1, notBy: nodeId(1) })).toEqual({
          files: 0,
          bytes: 0n,
        });
      }));

    it("tells which of some blobs a node owes", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commitAll([setNodeOf(2)]);
        await catalog.commitAll([putOf("a", "x"), putOf("b", "y", { placedOn: [nodeId(1), nodeId(2)] })]);
        const asked = ["x", "y", "z"].map((text) => ({ namespace: NAMESPACE, digest: digestOf(text) }));
        expect(await catalog.listOwedBy(nodeId(2), asked)).toEqual(asked.slice(0, 1));
        expect(await catalog.listOwedBy(nodeId(1), asked)).toEqual([]);
        expect(await catalog.listOwedBy(nodeId(2), [])).toEqual([]);
      }));

    it("counts and lists each blob that the journal names once, in the order of digests, in every namespace", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commitAll([setNamespaceOf("other"), putOf("a", "x"), putOf("b", "x"), putOf("c", "yy")]);
        const other = { namespace: setNamespaceOf("other").namespace };
        await catalog.commitAll([putOf("a", "x", other), putOf("d", "zzz"), deleteOf("d")]);
        expect(await catalog.countBlobs()).toEqual({ files: 4, bytes: 7n });
        const all = [blobOf("x"), blobOf("x", "other"), blobOf("yy"), blobOf("zzz")].sort((one, two) =>
          one.digest + one.namespace < two.digest + two.namespace ? -1 : 1,
        );
        expect(await catalog.listBlobs({ after: FIRST, until: LAST, limit: 10 })).toEqual(all);
        for (const [index, blob] of all.entries()) {
          expect(await catalog.listBlobs({ after: blob, until: LAST, limit: 1 })).toEqual(
            all.slice(index + 1, index + 2),
          );
          const { digest: until } = blob;
          const upTo = all.filter(({ digest }) => digest <= until);
          expect(await catalog.listBlobs({ after: FIRST, until, limit: 10 })).toEqual(upTo);
        }
      }));

    it("knows when an entry was made, and of one to come that it was not", () =>
      withCatalog(harness, async (catalog) => {
        const done = doneOf(await catalog.commit(putOf("a")));
        expect(await catalog.findEntryTime(done.version)).toEqual(done.modified);
        expect(await catalog.findEntryTime(done.version + 1)).toBeUndefined();
      }));
  });
}
