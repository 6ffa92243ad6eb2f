import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { FileRecord, Moment } from "../../model/change.js";
import { deleteOf, digestOf, NAMESPACE, nodeId, putOf, setNamespaceOf, setNodeOf } from "../../model/test-changes.js";
import type { Catalog } from "../catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { checkGroups, checkJournal } from "./journal-check.js";
import { codeOf, doneOf, withCatalog } from "./test-cluster-catalog.js";

const A = parseFileKey("a");
const PAST = 1;
const HOUR_MS = 3_600_000;

async function momentOf(catalog: Catalog, number: number): Promise<Moment> {
  return catalog.getMoment({ number });
}

/** Key and digest of each file. */
function namesOf(files: readonly FileRecord[]): [string, string][] {
  return files.map(({ key, digest }) => [key, digest]);
}

async function listAsOf(catalog: Catalog, number: number): Promise<[string, string][]> {
  return namesOf((await catalog.listFilesAsOf(NAMESPACE, { limit: 100 }, await momentOf(catalog, number))).files);
}

async function put(catalog: Catalog, key: string, text: string): Promise<number> {
  return doneOf(await catalog.commit(putOf(key, text))).version;
}

export function describeHistoryConformance(harness: CatalogHarness): void {
  describe("history", () => {
    it("reads and lists as of every number what the files were then", () =>
      withCatalog(harness, async (catalog) => {
        const states = new Map<number, [string, string][]>();
        const live = new Map<string, string>();
        const steps = [["a", "1"], ["b", "2"], ["a", "3"], ["b"], ["c", "4"], ["a"], ["b", "5"], ["a", "1"]] as const;
        for (const [key, text] of steps) {
          const change = text === undefined ? deleteOf(key) : putOf(key, text);
          const { version } = doneOf(await catalog.commit(change));
          if (text === undefined) live.delete(key);
          else live.set(key, digestOf(text));
          states.set(
            version,
            [...live].sort(([x], [y]) => (x < y ? -1 : 1)),
          );
        }
        for (const [number, state] of states) {
          expect(await listAsOf(catalog, number)).toEqual(state);
          for (const key of ["a", "b", "c"]) {
            const file = await catalog.findFileAsOf(NAMESPACE, parseFileKey(key), await momentOf(catalog, number));
            expect(file?.digest).toBe(new Map(state).get(key));
          }
        }
      }));

    it("folds and pages a listing of the past as one of now", () =>
      withCatalog(harness, async (catalog) => {
        const keys = ["a", "d/1", "d/2", "e", "f/1"];
        await catalog.commitAll(keys.map((key) => putOf(key)));
        const { number } = await catalog.head();
        const query = { delimiter: "/", limit: 2 };
        const now = [await catalog.listFiles(NAMESPACE, query)];
        now.push(await catalog.listFiles(NAMESPACE, { ...query, after: now[0]?.next ?? "" }));
        await catalog.commitAll([deleteOf("d/1"), deleteOf("d/2"), putOf("e", "other"), putOf("b"), deleteOf("a")]);
        const at = await momentOf(catalog, number);
        const then = [await catalog.listFilesAsOf(NAMESPACE, query, at)];
        then.push(await catalog.listFilesAsOf(NAMESPACE, { ...query, after: then[0]?.next ?? "" }, at));
        expect(then).toEqual(now);
      }));

    it("finds the moment of a time, and refuses what has not come yet", () =>
      withCatalog(harness, async (catalog) => {
        const version = await put(catalog, "a", "1");
        const { timeMs } = await momentOf(catalog, version);
        expect((await catalog.getMoment({ timeMs })).number).toBe(version);
        expect((await catalog.getMoment({ timeMs: PAST })).number).toBe(0);
        await expect(catalog.getMoment({ timeMs: timeMs + HOUR_MS })).rejects.toMatchObject({
          code: "invalid_request",
        });
        await expect(catalog.getMoment({ number: version + 1 })).rejects.toMatchObject({ code: "invalid_request" });
      }));

    it("lists the versions of a key with its tombstones, page by page, and finds each", () =>
      withCatalog(harness, async (catalog) => {
        const [one, two] = [await put(catalog, "a", "1"), await put(catalog, "a", "2")];
        const gone = doneOf(await catalog.commit(deleteOf("a"))).version;
        const three = await put(catalog, "a", "3");
        await put(catalog, "aa", "x");
        const numbers = async (page: { before?: number; limit: number }) => {
          const { versions, next } = await catalog.listVersions(NAMESPACE, A, page);
          const list = versions.map((one) => (one.kind === "content" ? one.file.version : -one.version));
          return { list, next };
        };
        expect(await numbers({ limit: 10 })).toEqual({ list: [three, -gone, two, one], next: undefined });
        expect(await numbers({ limit: 1 })).toEqual({ list: [three], next: three });
        expect(await numbers({ limit: 1, before: three })).toEqual({ list: [-gone, two], next: two });
        expect(await numbers({ limit: 1, before: two })).toEqual({ list: [one], next: undefined });
        expect(await catalog.findVersion(NAMESPACE, A, two)).toMatchObject({ digest: digestOf("2"), version: two });
        expect(await catalog.findVersion(NAMESPACE, A, three)).toMatchObject({ digest: digestOf("3") });
        expect(await catalog.findVersion(NAMESPACE, A, gone)).toBeUndefined();
        const nowhere = parseNamespaceName("nowhere");
        await expect(catalog.listVersions(nowhere, A, { limit: 1 })).rejects.toMatchObject({
          code: "namespace_not_found",
        });
      }));

    it("lists deleted keys with their last content until they are there again", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commitAll([putOf("a", "1"), putOf("b", "2"), putOf("p/c", "3"), putOf("p/d", "4")]);
        await put(catalog, "a", "last");
        await catalog.commitAll([deleteOf("a"), deleteOf("p/c"), deleteOf("p/d")]);
        expect(namesOf((await catalog.listDeleted(NAMESPACE, { limit: 10 })).files)).toEqual([
          ["a", digestOf("last")],
          ["p/c", digestOf("3")],
          ["p/d", digestOf("4")],
        ]);
        const page = await catalog.listDeleted(NAMESPACE, { prefix: "p/", limit: 1 });
        expect(page.next).toBe("p/c");
        const rest = await catalog.listDeleted(NAMESPACE, { prefix: "p/", after: "p/c", limit: 1 });
        expect(namesOf(rest.files)).toEqual([["p/d", digestOf("4")]]);
        doneOf(await catalog.commit({ kind: "undelete", namespace: NAMESPACE, key: parseFileKey("p/c") }));
        expect(await catalog.findFile(NAMESPACE, parseFileKey("p/c"))).toMatchObject({ digest: digestOf("3") });
        expect(namesOf((await catalog.listDeleted(NAMESPACE, { prefix: "p/c", limit: 10 })).files)).toEqual([]);
      }));

    it("restores a version and a whole prefix as new versions, and counts what that changed", () =>
      withCatalog(harness, async (catalog) => {
        const one = await put(catalog, "a", "1");
        await catalog.commitAll([putOf("p/b", "b"), putOf("p/c", "c"), putOf("p/d", "d"), putOf("q", "q")]);
        const { number } = await catalog.head();
        await catalog.commitAll([putOf("p/b", "other"), deleteOf("p/c"), putOf("p/e", "e"), deleteOf("q")]);
        await put(catalog, "a", "2");
        const restored = doneOf(await catalog.commit({ kind: "restore", namespace: NAMESPACE, key: A, version: one }));
        expect(await catalog.findFile(NAMESPACE, A)).toMatchObject({
          digest: digestOf("1"),
          version: restored.version,
        });
        const asOf = await momentOf(catalog, number);
        const change = { kind: "restore-prefix", namespace: NAMESPACE, prefix: "p/", asOf } as const;
        const done = doneOf(await catalog.commit(change));
        expect(done.counts).toEqual({ restored: 2, removed: 1 });
        expect(namesOf((await catalog.listFiles(NAMESPACE, { prefix: "p/", limit: 10 })).files)).toEqual([
          ["p/b", digestOf("b")],
          ["p/c", digestOf("c")],
          ["p/d", digestOf("d")],
        ]);
        expect(await catalog.findFile(NAMESPACE, parseFileKey("q"))).toBeUndefined();
        expect(doneOf(await catalog.commit(change)).counts).toEqual({ restored: 0, removed: 0 });
        await checkJournal(catalog);
      }));

    it("gives up history when the horizon moves, at once, and then the rows, a few at a time", () =>
      withCatalog(harness, async (catalog, { database }) => {
        const versions = [];
        for (const text of ["1", "2", "3"]) versions.push(await put(catalog, "a", text));
        const gone = doneOf(await catalog.commit(deleteOf("a"))).version;
        await put(catalog, "b", "1");
        const { number: horizon } = await catalog.head();
        const move = { kind: "move-horizon", namespace: NAMESPACE, horizon } as const;
        expect(await catalog.pruneVersions(10)).toBe(0);
        doneOf(await catalog.commit(move));
        await expect(listAsOf(catalog, gone)).rejects.toMatchObject({ code: "history_gone" });
        expect((await catalog.listVersions(NAMESPACE, A, { limit: 10 })).versions).toEqual([]);
        expect(codeOf(await catalog.commit({ kind: "undelete", namespace: NAMESPACE, key: A }))).toBe("not_found");
        const restore = { kind: "restore", namespace: NAMESPACE, key: A, version: versions[0] ?? 0 } as const;
        expect(codeOf(await catalog.commit(restore))).toBe("version_not_found");
        expect(await catalog.pruneVersions(2)).toBe(2);
        expect(await catalog.pruneVersions(10)).toBe(1);
        expect(await catalog.pruneVersions(10)).toBe(0);
        expect(await database.query("select number from versions")).toEqual([]);
        const rest = await catalog.listJournalBlobs({ after: 0, until: horizon, limit: 10 });
        expect(rest.map((blob) => blob.number)).toEqual([horizon]);
        expect(await listAsOf(catalog, horizon)).toEqual([["b", digestOf("1")]]);
        // Back is no way for a horizon.
        const before = await catalog.head();
        doneOf(await catalog.commit({ ...move, horizon: 1 }));
        expect(await catalog.head()).toEqual(before);
        await checkGroups(catalog);
      }));

    it("begins anew in a namespace that was dropped and made again, and prunes what nobody can read", () =>
      withCatalog(harness, async (catalog) => {
        await put(catalog, "a", "1");
        const gone = doneOf(await catalog.commit(deleteOf("a"))).version;
        await catalog.commit({ kind: "drop-namespace", namespace: NAMESPACE });
        expect(await catalog.listUnreferenced([{ namespace: NAMESPACE, digest: digestOf("1") }])).toEqual([]);
        doneOf(await catalog.commit(setNamespaceOf()));
        await expect(listAsOf(catalog, gone)).rejects.toMatchObject({ code: "history_gone" });
        expect((await catalog.listDeleted(NAMESPACE, { limit: 10 })).files).toEqual([]);
        await catalog.commit({ kind: "drop-namespace", namespace: NAMESPACE });
        expect(await catalog.pruneVersions(10)).toBe(1);
        expect(await catalog.listUnreferenced([{ namespace: NAMESPACE, digest: digestOf("1") }])).toHaveLength(1);
      }));
  });

  describe("references", () => {
    it("are the files and the former versions of every key, and nothing else", () =>
      withCatalog(harness, async (catalog) => {
        const blob = (text: string) => ({ namespace: NAMESPACE, digest: digestOf(text) });
        const other = { namespace: parseNamespaceName("other"), digest: digestOf("1") };
        const all = [blob("1"), blob("2"), blob("3"), other];
        await catalog.commitAll([putOf("a", "1"), putOf("b", "2"), deleteOf("b")]);
        for (const ask of ["listUnreferenced", "confirmUnreferenced"] as const) {
          expect(await catalog[ask](all)).toEqual([blob("3"), other]);
          expect(await catalog[ask]([])).toEqual([]);
        }
        // The lock was given back.
        await put(catalog, "c", "3");
        expect(await catalog.confirmUnreferenced(all)).toEqual([other]);
      }));

    it("keep debts: those of blobs that nothing refers to can be struck off", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commit(setNodeOf(2));
        await catalog.commitAll([putOf("a", "1"), putOf("b", "2")]);
        await catalog.commit({ kind: "purge", namespace: NAMESPACE, key: A });
        const debts = await catalog.listDebts(nodeId(2), 10);
        expect(debts).toHaveLength(2);
        expect(await catalog.dropIdleDebts(debts)).toBe(1);
        expect((await catalog.listDebts(nodeId(2), 10)).map((debt) => debt.digest)).toEqual([digestOf("2")]);
      }));
  });

  describe("expiry", () => {
    it("hides a file from its moment on, and a worker's change deletes it", () =>
      withCatalog(harness, async (catalog) => {
        doneOf(await catalog.commit(putOf("kept", "1", { expires: { afterMs: HOUR_MS } })));
        const { version } = doneOf(await catalog.commit(putOf("a", "2", { expires: { atMs: PAST } })));
        expect((await catalog.findFile(NAMESPACE, parseFileKey("kept")))?.expiresMs).toBeGreaterThan(PAST);
        expect(await catalog.findFile(NAMESPACE, A)).toBeUndefined();
        expect(namesOf((await catalog.listFiles(NAMESPACE, { limit: 10 })).files)).toEqual([["kept", digestOf("1")]]);
        expect(await listAsOf(catalog, version)).toEqual([["kept", digestOf("1")]]);
        expect(await catalog.listExpired(10)).toMatchObject([{ key: "a", version }]);
        const expire = { kind: "expire", namespace: NAMESPACE, key: A, version } as const;
        doneOf(await catalog.commit(expire));
        expect(codeOf(await catalog.commit(expire))).toBe("not_found");
        expect(await catalog.listExpired(10)).toEqual([]);
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 1 });
      }));

    it("takes the namespace's default, unless the put says otherwise", () =>
      withCatalog(harness, async (catalog) => {
        const policy = { minCopies: 1, retentionMs: 5000, expireAfterMs: HOUR_MS };
        doneOf(await catalog.commit({ kind: "set-namespace", namespace: NAMESPACE, policy }));
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject(policy);
        await catalog.commitAll([putOf("a"), putOf("b", "b", { expires: "never" })]);
        const [a, b] = (await catalog.listFiles(NAMESPACE, { limit: 10 })).files;
        expect(a?.expiresMs).toBe((a?.modified.getTime() ?? 0) + HOUR_MS);
        expect(b?.expiresMs).toBeUndefined();
      }));
  });

  describe("purge", () => {
    it("takes one version or all of a key for ever, and orders every node to unlink the bytes", () =>
      withCatalog(harness, async (catalog) => {
        await catalog.commit(setNodeOf(2));
        const [one, two] = [await put(catalog, "a", "1"), await put(catalog, "a", "2")];
        const first = doneOf(await catalog.commit({ kind: "purge", namespace: NAMESPACE, key: A, version: one }));
        expect(first.counts).toEqual({ restored: 0, removed: 1 });
        expect(await catalog.findVersion(NAMESPACE, A, one)).toBeUndefined();
        expect(await catalog.findFile(NAMESPACE, A)).toMatchObject({ version: two });
        expect(await catalog.listPurges(nodeId(1), 10)).toEqual([
          { node: nodeId(1), namespace: NAMESPACE, digest: digestOf("1"), number: first.version },
        ]);
        await put(catalog, "a", "3");
        const last = doneOf(await catalog.commit({ kind: "purge", namespace: NAMESPACE, key: A }));
        expect(last.counts).toEqual({ restored: 0, removed: 2 });
        expect(await catalog.findFile(NAMESPACE, A)).toBeUndefined();
        expect(await catalog.findNamespace(NAMESPACE)).toMatchObject({ files: 0, bytes: "0" });
        expect(codeOf(await catalog.commit({ kind: "purge", namespace: NAMESPACE, key: A }))).toBe("not_found");
        expect(await catalog.listJournalBlobs({ after: 0, until: last.version, limit: 10 })).toEqual([]);
        await checkGroups(catalog);
        const range = { after: 0, until: last.version };
        expect((await catalog.listPurgingNodes(range)).toSorted()).toEqual([nodeId(1), nodeId(2)]);
        await catalog.endPurges(await catalog.listPurges(nodeId(2), 10));
        expect(await catalog.listPurgingNodes(range)).toEqual([nodeId(1)]);
      }));

    it("refuses bytes that were placed before the node obeyed, and takes them when they are placed again", () =>
      withCatalog(harness, async (catalog) => {
        await put(catalog, "a", "1");
        doneOf(await catalog.commit({ kind: "purge", namespace: NAMESPACE, key: A }));
        expect(codeOf(await catalog.commit(putOf("b", "1")))).toBe("placement_expired");
        expect(codeOf(await catalog.commit(putOf("c", "2")))).toBe("ok");
        await catalog.endPurges(await catalog.listPurges(nodeId(1), 10));
        expect(codeOf(await catalog.commit(putOf("b", "1")))).toBe("placement_expired");
        await catalog.prunePurges(-HOUR_MS);
        expect(codeOf(await catalog.commit(putOf("b", "1")))).toBe("ok");
      }));
  });
}
