import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { compareKeys } from "../../model/key-order.js";
import { contentOf, deleteOf, digestOf, NAMESPACE, putOf, setNamespaceOf } from "../../model/test-changes.js";
import { MAX_GROUP_CHANGES } from "../group-committer.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { checkJournal } from "./journal-check.js";
import { codeOf, doneOf, withCatalog } from "./test-cluster-catalog.js";

/** Keys that some collation of some engine holds to be equal, or sorts as no byte order would. */
const NEAR_KEYS = [
  ...["a", "A", "aa", "a ", "a  ", " a", "a/", "a//", "a/../b", "%2e%2e", "a\tb", "a\nb", "a\u0001"],
  ...["\u00e9", "e\u0301", "e", "E", "ss", "\u00df", "\u0130", "i", "I", "\u0131"],
  ...[
    "\u{1F600}",
    "\u{1F601}",
    "\uFFFD",
    "\uE000",
    "\uD7FF",
    "\u{10FFFF}",
    "x\u200d",
    "x",
    "'",
    '"',
    "\\",
    "%",
    "_",
    "?",
  ],
].map(parseFileKey);

export function describeFileConformance(harness: CatalogHarness): void {
  describe("files", () => {
    it("keeps apart keys that differ only by case, accent, trailing space or emoji, and lists them by their bytes", () =>
      withCatalog(harness, async (catalog) => {
        const outcomes = await catalog.commitAll(NEAR_KEYS.map((key) => putOf(key, `content of ${key}`)));
        expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
        for (const key of NEAR_KEYS) {
          expect(await catalog.findFile(NAMESPACE, key)).toMatchObject({ key, digest: digestOf(`content of ${key}`) });
        }
        const { files } = await catalog.listFiles(NAMESPACE, { limit: 1000 });
        expect(files.map((file) => file.key)).toEqual(NEAR_KEYS.toSorted(compareKeys));
      }));

    it("takes a key of 1,024 bytes, and metadata of any text", () =>
      withCatalog(harness, async (catalog) => {
        const key = parseFileKey("\u{1F600}".repeat(256));
        const metadata = { b: "\u{1F600} 'x' \\ \"", a: "", "10": "n", __proto___: "p" };
        const content = contentOf("x", { metadata, contentType: "text/plain; charset=\u00fc" });
        doneOf(await catalog.commit(putOf(key, "x", { content })));
        expect(await catalog.findFile(NAMESPACE, key)).toMatchObject({ key, ...content });
      }));

    it("answers a file with its version and time as its outcome said, and undefined when there is none", () =>
      withCatalog(harness, async (catalog) => {
        const done = doneOf(await catalog.commit(putOf("a", "one")));
        const { version, modified } = done;
        const expected = { ...contentOf("one"), namespace: NAMESPACE, key: "a", version, modified };
        expect(await catalog.findFile(NAMESPACE, parseFileKey("a"))).toEqual(expected);
        expect(await catalog.findFile(NAMESPACE, parseFileKey("b"))).toBeUndefined();
        expect(await catalog.findFile(parseNamespaceName("other"), parseFileKey("a"))).toBeUndefined();
      }));

    it("refuses one change of a commit alone, and commits its neighbours", () =>
      withCatalog(harness, async (catalog) => {
        const copy = { kind: "copy", namespace: NAMESPACE, from: parseFileKey("a"), to: parseFileKey("b") } as const;
        const other = parseNamespaceName("other");
        const outcomes = await catalog.commitAll([
          putOf("a"),
          deleteOf("none"),
          copy,
          putOf("x", "x", { namespace: other }),
          putOf("c"),
        ]);
        expect(outcomes.map(codeOf)).toEqual(["ok", "not_found", "ok", "namespace_not_found", "ok"]);
        expect(outcomes.filter((outcome) => outcome.ok).map((outcome) => doneOf(outcome).version)).toEqual([3, 4, 5]);
        expect((await checkJournal(catalog)).length).toBe(5);
      }));

    it("commits the largest batch at once, with all that it touches", () =>
      withCatalog(harness, async (catalog) => {
        const keys = Array.from({ length: MAX_GROUP_CHANGES }, (_, index) => `k${index}`);
        const puts = await catalog.commitAll(keys.map((key) => putOf(key)));
        expect(puts.every((outcome) => outcome.ok)).toBe(true);
        const renames = keys.map((key) => ({ from: parseFileKey(key), to: parseFileKey(`r/${key}`) }));
        const moved = await catalog.commitAll(
          renames.map((change) => ({ kind: "rename", namespace: NAMESPACE, ...change })),
        );
        expect(moved.every((outcome) => outcome.ok)).toBe(true);
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: keys.length });
        const { files } = await catalog.listFiles(NAMESPACE, { limit: 1000 });
        expect(files.every((file) => file.key.startsWith("r/"))).toBe(true);
        expect((await checkJournal(catalog)).length).toBe(2 + 3 * keys.length);
      }));

    it("commits of copies with much metadata what fits, and refuses the rest so that it can be sent again", () =>
      withCatalog(harness, async (catalog) => {
        const metadata = { text: '"'.repeat(8000) };
        await catalog.commit(putOf("a", "a", { content: contentOf("a", { metadata }) }));
        const copies = Array.from({ length: MAX_GROUP_CHANGES }, (_, index) => parseFileKey(`k${index}`));
        const outcomes = await catalog.commitAll(
          copies.map((to) => ({ kind: "copy", namespace: NAMESPACE, from: parseFileKey("a"), to })),
        );
        const fitting = outcomes.filter((outcome) => outcome.ok).length;
        expect(fitting).toBeGreaterThan(100);
        expect(new Set(outcomes.slice(fitting).map(codeOf))).toEqual(new Set(["overloaded"]));
        expect((await checkJournal(catalog)).length).toBe(3 + fitting);
      }));

    it("counts bytes exactly above 2^53, and refuses a file whose size it could not", () =>
      withCatalog(harness, async (catalog) => {
        const largest = Number.MAX_SAFE_INTEGER;
        const put = (key: string, sizeBytes: number) => putOf(key, key, { content: contentOf(key, { sizeBytes }) });
        const outcomes = await catalog.commitAll([
          put("a", largest),
          put("b", largest),
          put("c", 3),
          put("d", largest + 1),
        ]);
        expect(outcomes.map(codeOf)).toEqual(["ok", "ok", "ok", "too_large"]);
        const bytes = 2n * BigInt(largest) + 3n;
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 3, bytes: bytes.toString() });
        expect(await catalog.findFile(NAMESPACE, parseFileKey("a"))).toMatchObject({ sizeBytes: largest });
        doneOf(await catalog.commit(deleteOf("a")));
        expect((await catalog.listNamespaces())[0]?.bytes).toBe((bytes - BigInt(largest)).toString());
      }));

    it("replaces, renames and deletes, and the usage follows in the same commit", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commitAll([putOf("a", "12345"), putOf("a", "123"), putOf("b", "1")]);
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 2, bytes: "4" });
        doneOf(
          await catalog.commit({
            kind: "rename",
            namespace: NAMESPACE,
            from: parseFileKey("a"),
            to: parseFileKey("b"),
          }),
        );
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 1, bytes: "3" });
        doneOf(await catalog.commit(deleteOf("b")));
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 0, bytes: "0" });
      }));

    it("sets, lists and drops namespaces, and drops none that has a file", () =>
      withCatalog(harness, async (catalog) => {
        const other = parseNamespaceName("b.other");
        const template = { minCopies: 2, urlTemplate: "http://{server}/ü" };
        await catalog.commitAll([{ kind: "set-namespace", namespace: other, policy: template }, putOf("a")]);
        expect((await catalog.listNamespaces()).map((one) => one.name)).toEqual(["b.other", "demo"]);
        expect(await catalog.findNamespace(other)).toMatchObject({ ...template, files: 0, bytes: "0" });
        const drop = (namespace: typeof other) => catalog.commit({ kind: "drop-namespace", namespace });
        expect(codeOf(await drop(NAMESPACE))).toBe("namespace_not_empty");
        expect(codeOf(await drop(other))).toBe("ok");
        expect(await catalog.findNamespace(other)).toBeUndefined();
        expect(codeOf(await catalog.commit(putOf("a", "x", { namespace: other, placedOn: [] })))).toBe(
          "namespace_not_found",
        );
        expect(codeOf(await catalog.commit(setNamespaceOf("b.other")))).toBe("ok");
      }));
  });
}
