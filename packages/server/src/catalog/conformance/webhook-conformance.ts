import { describe, expect, it } from "vitest";
import type { SetWebhookChange } from "../../model/change.js";
import { NAMESPACE, putOf, setNamespaceOf } from "../../model/test-changes.js";
import { ModelCatalog } from "../../model/test-model-catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { checkJournal } from "./journal-check.js";
import { doneOf, withCatalog, withDatabase } from "./test-cluster-catalog.js";

function setWebhookOf(id: string, url = "http://hook.invalid/", prefix = ""): SetWebhookChange {
  return { kind: "set-webhook", webhook: { id, url, namespace: NAMESPACE, prefix } };
}

export function describeWebhookConformance(harness: CatalogHarness): void {
  describe("webhooks", () => {
    it("begin where they were entered, change, and go", () =>
      withCatalog(harness, async (catalog) => {
        const { version } = doneOf(await catalog.commit(setWebhookOf("b", "http://b/", "ü/")));
        doneOf(await catalog.commit({ kind: "set-webhook", webhook: { id: "a", url: "https://a/", prefix: "" } }));
        expect(await catalog.listWebhooks()).toEqual([
          { id: "a", url: "https://a/", prefix: "", position: version + 1, failures: 0 },
          { id: "b", url: "http://b/", namespace: NAMESPACE, prefix: "ü/", position: version, failures: 0 },
        ]);
        doneOf(await catalog.commit({ kind: "drop-webhook", id: "a" }));
        doneOf(await catalog.commit({ kind: "drop-webhook", id: "a" }));
        expect((await catalog.listWebhooks()).map(({ id }) => id)).toEqual(["b"]);
      }));

    it("move forward only, keep why they failed, and stay where they are when they are entered again", () =>
      withCatalog(harness, async (catalog) => {
        const { version } = doneOf(await catalog.commit(setWebhookOf("a")));
        const at = await catalog.head();
        await catalog.noteWebhookProgress({ at, id: "a", position: version, failures: 2, error: "it says 500" });
        expect(await catalog.listWebhooks()).toMatchObject([{ failures: 2, error: "it says 500" }]);
        await catalog.noteWebhookProgress({ at, id: "a", position: version + 5, failures: 0, deliveredMs: 1234 });
        await catalog.noteWebhookProgress({ at, id: "a", position: version + 1, failures: 9, error: "late" });
        await catalog.noteWebhookProgress({ at, id: "none", position: 1, failures: 0 });
        doneOf(await catalog.commit(setWebhookOf("a", "http://moved/")));
        const { id, ...settings } = setWebhookOf("a", "http://moved/").webhook;
        const progress = { position: version + 5, failures: 0, deliveredMs: 1234 };
        expect(await catalog.listWebhooks()).toEqual([{ id, ...settings, ...progress }]);
      }));

    it("stay where they are when who moves them knows of another history, or of more than this one", () =>
      withCatalog(harness, async (catalog) => {
        const { version } = doneOf(await catalog.commit(setWebhookOf("a")));
        const { number, hash } = await catalog.head();
        const progress = { id: "a", position: version, failures: 3, error: "it says 500" };
        await catalog.noteWebhookProgress({ ...progress, at: { number, hash: "ab".repeat(32) } });
        await catalog.noteWebhookProgress({ ...progress, position: version + 1, at: { number: number + 1, hash } });
        expect(await catalog.listWebhooks()).toMatchObject([{ position: version, failures: 0 }]);
        await catalog.noteWebhookProgress({ ...progress, at: { number, hash } });
        expect(await catalog.listWebhooks()).toMatchObject([{ position: version, failures: 3 }]);
      }));

    it("are refused for a URL that is none, and leave no trace", () =>
      withCatalog(harness, async (catalog) => {
        for (const url of ["ftp://a/", "hook", `http://a/${"x".repeat(3000)}`, "http://a/\0"]) {
          expect(await catalog.commit(setWebhookOf("a", url))).toMatchObject({ error: { code: "invalid_request" } });
        }
        expect(await catalog.listWebhooks()).toEqual([]);
        expect(await catalog.head()).toMatchObject({ number: 2 });
      }));

    it("are known to a catalog that is made from the journal, at their beginning", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const model = new ModelCatalog(catalog.clusterId);
        model.commit([setNamespaceOf(), setWebhookOf("gone"), setWebhookOf("a", "http://first/")]);
        model.commit([putOf("x"), { kind: "drop-webhook", id: "gone" }, setWebhookOf("a", "http://second/")]);
        const groups = model.groups.map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
        expect(await catalog.completeJournal(groups.slice(0, 1), 1)).toBe(true);
        expect(await catalog.completeJournal(groups.slice(1), 1)).toBe(true);
        expect(await catalog.listWebhooks()).toMatchObject([{ id: "a", url: "http://second/", position: 3 }]);
        await checkJournal(catalog);
      }));
  });
}
