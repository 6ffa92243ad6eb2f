import { describe, expect, it } from "vitest";
import { deleteOf, digestOf, nodeId, putOf, setNodeOf } from "../../model/test-changes.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { checkJournal, countPuts } from "./journal-check.js";
import { codeOf, doneOf, withCatalog } from "./test-cluster-catalog.js";

export function describeIdempotencyConformance(harness: CatalogHarness): void {
  describe("idempotency keys", () => {
    it("answers the second arrival with the first's outcome, whatever happened since", () =>
      withCatalog(harness, async (catalog) => {
        doneOf(await catalog.commit(setNodeOf(2)));
        const put = putOf("a", "one", { idempotency: { key: "Key one ", fingerprint: "f" } });
        const first = doneOf(await catalog.commit(put));
        expect(first).toMatchObject({ copies: 1, holders: 2, owing: [nodeId(2)], replayed: false });
        doneOf(await catalog.commit(deleteOf("a")));
        expect(doneOf(await catalog.commit(put))).toEqual({ ...first, replayed: true });
        expect(first.content).toEqual({ digest: digestOf("one"), sizeBytes: 3 });
        const reused = { ...put, idempotency: { key: "Key one ", fingerprint: "g" } };
        expect(codeOf(await catalog.commit(reused))).toBe("idempotency_key_reused");
        for (const key of ["key one ", "Key one", "Key one  "]) {
          expect(doneOf(await catalog.commit({ ...put, idempotency: { key, fingerprint: "h" } })).replayed).toBe(false);
        }
      }));

    it("commits once when the same ids arrive at two nodes at the same time", () =>
      withCatalog(harness, async (catalog, { open }) => {
        const other = await open();
        for (let round = 0; round < 10; round += 1) {
          const put = putOf(`k${round}`, "x", { idempotency: { key: `i${round}`, fingerprint: "f" } });
          const outcomes = await Promise.all([catalog.commit(put), other.commit(put), catalog.commit(put)]);
          const done = outcomes.map(doneOf);
          expect(new Set(done.map((one) => one.version)).size).toBe(1);
          expect(done.filter((one) => !one.replayed)).toHaveLength(1);
        }
        const entries = await checkJournal(catalog);
        for (let round = 0; round < 10; round += 1) expect(countPuts(entries, `k${round}`)).toBe(1);
      }));

    it("forgets outcomes that are old enough, at most so many at once", () =>
      withCatalog(harness, async (catalog) => {
        const put = putOf("a", "x", { idempotency: { key: "i", fingerprint: "f" } });
        const first = doneOf(await catalog.commit(put));
        expect(await catalog.pruneOutcomes(60_000, 100)).toBe(0);
        // Everything until a minute from now: one group with the settings, one with the put, and its key.
        expect(await catalog.pruneOutcomes(-60_000, 2)).toBe(2);
        expect(await catalog.pruneOutcomes(-60_000, 100)).toBe(1);
        const again = doneOf(await catalog.commit(put));
        expect(again.replayed).toBe(false);
        expect(again.version).toBeGreaterThan(first.version);
      }));
  });
}
