import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Change } from "../../model/change.js";
import {
  beginOf,
  contentOf,
  deleteOf,
  digestOf,
  finishOf,
  NAMESPACE,
  nodeId,
  putOf,
  setNamespaceOf,
  setNodeOf,
  stageOf,
  transactionRef,
} from "../../model/test-changes.js";
import { ModelCatalog } from "../../model/test-model-catalog.js";
import { sortStaged } from "../../model/staged-change.js";
import type { Catalog } from "../catalog.js";
import type { CatalogHarness } from "./catalog-harness.js";
import { type Fault, FaultPlan } from "./fault-plan.js";
import { checkJournal } from "./journal-check.js";
import { codeOf, commitEach, doneOf, withCatalog, withDatabase } from "./test-cluster-catalog.js";

const OTHER = parseNamespaceName("other");
const { id: FIRST } = transactionRef(1);
/** More than a commit of a transaction has statements. */
const MAX_CUTS = 60;
/** Updates of one counter by several at once. */
const UPDATES = 12;

async function listNames(catalog: Catalog, namespace = NAMESPACE): Promise<[string, string][]> {
  const { files } = await catalog.listFiles(namespace, { limit: 100 });
  return files.map(({ key, digest }) => [key, digest]);
}

const named = (...pairs: [string, string][]) => pairs.map(([key, text]) => [key, digestOf(text)]);

export function describeTransactionConformance(harness: CatalogHarness): void {
  describe("transactions", () => {
    it("show what they stage to nobody, and make all of it current in one commit, in several namespaces", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, setNamespaceOf("other"), putOf("old", "1"), putOf("gone", "2"), beginOf(1));
        const other = putOf("z", "3", { namespace: OTHER });
        const staged = await commitEach(
          catalog,
          ...[putOf("a", "4"), putOf("old", "5"), deleteOf("gone"), other].map((change) => stageOf(1, change)),
        );
        expect(staged).toEqual(["ok", "ok", "ok", "ok"]);
        expect(await listNames(catalog)).toEqual(named(["gone", "2"], ["old", "1"]));
        const before = await catalog.head();
        const done = doneOf(await catalog.commit(finishOf("commit", 1)));
        expect(done.version).toBe(before.number + 5);
        expect(await listNames(catalog)).toEqual(named(["a", "4"], ["old", "5"]));
        expect(await listNames(catalog, OTHER)).toEqual(named(["z", "3"]));
        expect(await catalog.listStaged(FIRST, 10)).toEqual([]);
        const groups = await catalog.listGroups(before.number, 10);
        expect(groups.map(({ first, last }) => [first, last])).toEqual([[before.number + 1, done.version]]);
        await checkJournal(catalog);
      }));

    it("are read by a number of any of their changes as a whole", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, putOf("a", "1"), putOf("b", "1"), beginOf(1));
        await commitEach(
          catalog,
          stageOf(1, putOf("a", "2")),
          stageOf(1, putOf("b", "2")),
          stageOf(1, putOf("c", "2")),
        );
        const { number: before } = await catalog.head();
        const { version } = doneOf(await catalog.commit(finishOf("commit", 1)));
        for (let number = before; number <= version; number += 1) {
          const moment = await catalog.getMoment({ number });
          const { files } = await catalog.listFilesAsOf(NAMESPACE, { limit: 10 }, moment);
          const texts = new Set(files.map(({ digest }) => digest));
          expect(texts).toEqual(new Set([digestOf(number === before ? "1" : "2")]));
        }
      }));

    it("see their own changes over what is committed, page by page and folded", () =>
      withCatalog(harness, async (catalog) => {
        for (const key of ["a", "d/1", "d/2", "e", "g"]) await commitEach(catalog, putOf(key));
        await commitEach(catalog, beginOf(1));
        const changes = [deleteOf("a"), deleteOf("d/1"), putOf("b"), putOf("e", "new"), putOf("f/1"), putOf("f/2")];
        await commitEach(catalog, ...changes.map((change) => stageOf(1, change)));
        const seen: string[] = [];
        for (let after: string | undefined = ""; after !== undefined; ) {
          const page = await catalog.listFilesIn(FIRST, NAMESPACE, { after, limit: 2 });
          seen.push(...page.files.map(({ key, digest }) => `${key} ${digest.slice(0, 4)}`));
          after = page.next;
        }
        const expected = ["b", "d/2", ["e", "new"], "f/1", "f/2", "g"].map((one) => [one].flat());
        expect(seen).toEqual(expected.map(([key = "", text = key]) => `${key} ${digestOf(text).slice(0, 4)}`));
        const folded = await catalog.listFilesIn(FIRST, NAMESPACE, { delimiter: "/", limit: 100 });
        expect(folded.files.map(({ key }) => key)).toEqual(["b", "e", "g"]);
        expect(folded.prefixes).toEqual(["d/", "f/"]);
        expect(await catalog.findStaged(FIRST, NAMESPACE, parseFileKey("a"))).toMatchObject({ kind: "delete" });
      }));

    it("hold their keys once they are prepared, absent ones too, and let nobody in until they end", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(
          catalog,
          putOf("old"),
          putOf("free"),
          beginOf(1),
          stageOf(1, putOf("new")),
          stageOf(1, deleteOf("old")),
        );
        expect(await commitEach(catalog, finishOf("prepare", 1), finishOf("prepare", 1))).toEqual(["ok", "ok"]);
        const [old, fresh] = [parseFileKey("old"), parseFileKey("new")];
        const { number } = await catalog.head();
        const refused: Change[] = [
          ...[putOf("new"), putOf("old"), deleteOf("old")],
          { kind: "copy", namespace: NAMESPACE, from: parseFileKey("free"), to: fresh },
          { kind: "rename", namespace: NAMESPACE, from: old, to: parseFileKey("elsewhere") },
          { kind: "purge", namespace: NAMESPACE, key: old },
          { kind: "restore-prefix", namespace: NAMESPACE, prefix: "n", asOf: { number: 1, timeMs: 1 } },
          { kind: "drop-namespace", namespace: NAMESPACE },
        ];
        expect(await commitEach(catalog, ...refused)).toEqual(refused.map(() => "key_locked"));
        expect((await catalog.head()).number).toBe(number);
        expect(
          await commitEach(catalog, putOf("free", "2"), {
            kind: "purge",
            namespace: NAMESPACE,
            key: parseFileKey("free"),
          }),
        ).toEqual(["ok", "ok"]);
        expect(await catalog.findFile(NAMESPACE, old)).toMatchObject({ digest: digestOf("old"), heldBy: FIRST });
        expect(await catalog.findLock(NAMESPACE, fresh)).toMatchObject({ transaction: FIRST });
        doneOf(await catalog.commit(finishOf("commit", 1)));
        expect(await listNames(catalog)).toEqual(named(["new", "new"]));
        expect(await catalog.findLock(NAMESPACE, fresh)).toBeUndefined();
        expect(await commitEach(catalog, putOf("new"), putOf("old"))).toEqual(["ok", "ok"]);
      }));

    it("are refused as a whole when a key changed since they saw it, and when another one holds it", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, putOf("a", "1"), putOf("b", "1"), beginOf(1), beginOf(2));
        const ifMatch = { precondition: { ifMatch: [digestOf("1")] } };
        await commitEach(catalog, stageOf(1, putOf("b", "2")), stageOf(1, putOf("a", "2", ifMatch)));
        await commitEach(
          catalog,
          stageOf(2, putOf("b", "3")),
          stageOf(2, putOf("n", "3", { precondition: { ifNoneMatch: "*" } })),
        );
        await commitEach(catalog, putOf("a", "other"), putOf("a", "1"));
        const conflict = await catalog.commit(finishOf("commit", 1));
        expect(conflict).toMatchObject({ ok: false, error: { code: "transaction_conflict" } });
        expect(conflict.ok ? "" : conflict.error.message).toContain("a in demo");
        expect(codeOf(await catalog.commit(finishOf("prepare", 1)))).toBe("transaction_conflict");
        expect(await commitEach(catalog, finishOf("prepare", 2))).toEqual(["ok"]);
        expect(await commitEach(catalog, stageOf(1, putOf("b")), finishOf("abort", 1))).toEqual(["key_locked", "ok"]);
        expect(await listNames(catalog)).toEqual(named(["a", "1"], ["b", "1"]));
      }));

    it("answer a repeated commit and abort as the first time, and tell what came of them", () =>
      withCatalog(harness, async (catalog, { open }) => {
        await commitEach(catalog, beginOf(1), stageOf(1, putOf("a")), beginOf(2), stageOf(2, putOf("b")), beginOf(3));
        const first = doneOf(await catalog.commit(finishOf("commit", 1)));
        const second = await open();
        const again = doneOf(await second.commit(finishOf("commit", 1)));
        expect(again).toMatchObject({ version: first.version, replayed: true, transaction: { state: "committed" } });
        expect(await commitEach(second, finishOf("prepare", 2), finishOf("abort", 2), finishOf("abort", 2))).toEqual([
          "ok",
          "ok",
          "ok",
        ]);
        expect(await commitEach(second, finishOf("abort", 1), finishOf("commit", 2))).toEqual([
          "transaction_finished",
          "transaction_finished",
        ]);
        expect(await commitEach(second, stageOf(1, putOf("c")), stageOf(9, putOf("c")))).toEqual([
          "transaction_finished",
          "transaction_not_found",
        ]);
        const { transactions } = await catalog.listTransactions({ limit: 10 });
        expect(transactions.map(({ state }) => state)).toEqual(["committed", "aborted", "open"]);
        expect((await catalog.listTransactions({ state: "aborted", limit: 10 })).transactions).toHaveLength(1);
        expect(await listNames(catalog)).toEqual(named(["a", "a"]));
        await checkJournal(catalog);
      }));

    it("keep what they staged from being reaped, and let it go when they are aborted", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, beginOf(1), stageOf(1, putOf("a", "staged")));
        const blob = { namespace: NAMESPACE, digest: digestOf("staged") };
        expect(await catalog.listUnreferenced([blob])).toEqual([]);
        expect(await catalog.confirmUnreferenced([blob])).toEqual([]);
        await commitEach(catalog, finishOf("abort", 1));
        expect(await catalog.listUnreferenced([blob])).toEqual([blob]);
        expect(await catalog.confirmUnreferenced([blob])).toEqual([blob]);
      }));

    it("let every other holder owe what was staged, when they are prepared and again when they are committed", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, setNodeOf(2), beginOf(1), stageOf(1, putOf("a", "staged")));
        expect(await catalog.listDebts(nodeId(2), 10)).toEqual([]);
        await commitEach(catalog, stageOf(1, putOf("b", "both", { placedOn: [nodeId(1), nodeId(2)] })));
        expect(await catalog.countStagedOn(nodeId(1), "any")).toEqual({ files: 2, bytes: 10n });
        expect(await catalog.countStagedOn(nodeId(1), "sole")).toEqual({ files: 1, bytes: 6n });
        expect(await catalog.countStagedOn(nodeId(2), "sole")).toEqual({ files: 0, bytes: 0n });
        expect(doneOf(await catalog.commit(finishOf("prepare", 1))).owing).toEqual([nodeId(2)]);
        expect(await catalog.listDebts(nodeId(2), 10)).toMatchObject([{ digest: digestOf("staged"), copies: 1 }]);
        await commitEach(catalog, setNodeOf(3));
        expect(doneOf(await catalog.commit(finishOf("commit", 1))).owing).toEqual([nodeId(2), nodeId(3)]);
        const owed = (await catalog.listDebts(nodeId(3), 10)).map(({ digest }) => digest);
        expect(owed.sort()).toEqual([digestOf("staged"), digestOf("both")].sort());
        expect(await catalog.countStagedOn(nodeId(1), "any")).toEqual({ files: 0, bytes: 0n });
      }));

    it("copy, rename, undelete and restore inside, of what they see", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, putOf("a", "1"), putOf("b", "2"), putOf("dead", "3"), deleteOf("dead"), beginOf(1));
        const [a, b, c, d] = ["a", "b", "c", "d"].map(parseFileKey) as [never, never, never, never];
        const steps: Change[] = [
          { kind: "copy", namespace: NAMESPACE, from: a, to: c },
          { kind: "rename", namespace: NAMESPACE, from: c, to: d },
          { kind: "rename", namespace: NAMESPACE, from: b, to: a },
          { kind: "undelete", namespace: NAMESPACE, key: parseFileKey("dead") },
        ].map((change) => stageOf(1, change as never));
        expect(await commitEach(catalog, ...steps)).toEqual(["ok", "ok", "ok", "ok"]);
        expect(await listNames(catalog)).toEqual(named(["a", "1"], ["b", "2"]));
        await commitEach(catalog, finishOf("commit", 1));
        expect(await listNames(catalog)).toEqual(named(["a", "2"], ["d", "1"], ["dead", "3"]));
      }));

    it("lose no update under If-Match when several go for the same keys at once, and show all of each or nothing", () =>
      withCatalog(harness, async (catalog, { open }) => {
        const catalogs = [catalog, await open()];
        await commitEach(catalog, putOf("a", "0"), putOf("b", "0"));
        const numberOf = new Map<string, number>(
          Array.from({ length: UPDATES + 1 }, (_, n) => [digestOf(String(n)), n]),
        );
        let [id, done] = [0, 0];
        const look = async (through: Catalog): Promise<number> => {
          const seen = new Set((await listNames(through)).map(([, digest]) => numberOf.get(digest)));
          expect(seen.size).toBe(1);
          return [...seen][0] ?? -1;
        };
        const update = async (through: Catalog): Promise<void> => {
          const now = await look(through);
          if (now >= UPDATES) return;
          const number = ++id;
          const ifMatch = { precondition: { ifMatch: [digestOf(String(now))] } };
          const steps = ["a", "b"].map((key) => stageOf(number, putOf(key, String(now + 1), ifMatch)));
          const codes = await commitEach(through, beginOf(number), ...steps);
          const end = codes.every((code) => code === "ok") && number % 2 === 0 ? "prepare" : "commit";
          const isDone =
            codes.every((code) => code === "ok") && codeOf(await through.commit(finishOf(end, number))) === "ok";
          if (isDone) done += 1;
          doneOf(await through.commit(finishOf(isDone ? "commit" : "abort", number)));
        };
        const workers = [0, 1, 2, 3].map(async (worker) => {
          while (done < UPDATES) await update(catalogs[worker % 2] ?? catalog);
        });
        await Promise.all(workers);
        expect([await look(catalog), done]).toEqual([UPDATES, UPDATES]);
        expect(await catalog.listUnfinishedTransactions()).toEqual([]);
      }));

    it("expire unless they are used, and only then are aborted for it", () =>
      withCatalog(harness, async (catalog) => {
        await commitEach(catalog, beginOf(1, 1000), beginOf(2), stageOf(1, putOf("a")));
        const expire = { ...finishOf("abort", 1), onlyExpired: true };
        expect(codeOf(await catalog.commit(expire))).toBe("precondition_failed");
        const before = await catalog.findTransaction(FIRST);
        expect(await catalog.renewTransaction(FIRST)).toBe(true);
        const after = await catalog.findTransaction(FIRST);
        expect(after?.expiresMs).toBeGreaterThanOrEqual(before?.expiresMs ?? 0);
        await expect
          .poll(() => catalog.listExpiredTransactions(10), { timeout: 20_000 })
          .toMatchObject([{ id: FIRST }]);
        expect(await catalog.renewTransaction(FIRST)).toBe(false);
        expect(codeOf(await catalog.commit(stageOf(1, putOf("b"))))).toBe("transaction_expired");
        expect(doneOf(await catalog.commit(expire)).transaction).toMatchObject({ state: "aborted", reason: "expired" });
        expect(codeOf(await catalog.commit(finishOf("commit", 1)))).toBe("transaction_expired");
        expect((await catalog.listUnfinishedTransactions()).map(({ id }) => id)).toEqual([transactionRef(2).id]);
        expect(await catalog.pruneTransactions(60_000, 10)).toBe(0);
        expect(await catalog.pruneTransactions(-60_000, 10)).toBe(1);
        expect(await catalog.findTransaction(FIRST)).toBeUndefined();
      }));

    it("survive, when prepared, a catalog that is made from the journal, and can be committed there", () =>
      withDatabase(harness, async ({ open }) => {
        const catalog = await open();
        const model = happenElsewhere(catalog);
        const groups = model.groups.map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
        expect(await catalog.completeJournal(groups.slice(0, -2), 1)).toBe(true);
        expect(await catalog.completeJournal(groups.slice(-2), 1)).toBe(true);
        const unfinished = await catalog.listUnfinishedTransactions();
        expect(unfinished).toEqual([model.transactions.get(FIRST)]);
        const staged = [...model.staged.values()].filter(({ transaction }) => transaction === FIRST);
        expect(await catalog.listStaged(FIRST, 10)).toEqual(sortStaged(staged));
        expect(codeOf(await catalog.commit(putOf("c")))).toBe("key_locked");
        expect(await catalog.findTransaction(transactionRef(2).id)).toMatchObject({ state: "committed", changes: 1 });
        expect(await catalog.findTransaction(transactionRef(3).id)).toMatchObject({
          state: "aborted",
          reason: "asked",
        });
        const { modified } = doneOf(await catalog.commit(finishOf("commit", 1)));
        expect(await listNames(catalog)).toEqual(named(["a", "1"], ["c", "3"], ["d", "1"], ["e", "e"]));
        const file = await catalog.findFile(NAMESPACE, parseFileKey("c"));
        expect(file?.expiresMs).toBe(modified.getTime() + 100_000);
        await checkJournal(catalog);
      }));

    it.each<Fault>(["cut-before", "cut-after"])(
      "lose nothing and double nothing: %s each statement of a staging, a prepare and a commit",
      (fault) =>
        withCatalog(harness, async (reader, { open }) => {
          await commitEach(reader, setNodeOf(2));
          const faults = new FaultPlan();
          const catalog = await open({ faults });
          let number = 0;
          for (let at = 0; at < MAX_CUTS; at += 1) {
            const fired: (string | undefined)[] = [];
            for (const step of ["stage", "prepare", "commit"] as const) {
              number += 1;
              await runSteps(catalog, number, { faults, fault, at, step });
              fired.push(faults.fired);
              expect(await reader.listStaged(transactionRef(number).id, 10)).toEqual([]);
            }
            if (fired.every((one) => one === undefined)) break;
            expect(at).toBeLessThan(MAX_CUTS - 1);
          }
          const entries = await checkJournal(reader);
          const commits = entries.filter(({ kind }) => kind === "commit");
          expect(commits).toHaveLength(number);
          expect(entries.filter(({ kind }) => kind === "put")).toHaveLength(2 * number);
          expect(await reader.listUnfinishedTransactions()).toEqual([]);
        }),
    );
  });
}

/** A history with a transaction that is prepared, one that is committed and one that was prepared and aborted. */
function happenElsewhere(catalog: Catalog): ModelCatalog {
  const model = new ModelCatalog(catalog.clusterId);
  const content = contentOf("1", { metadata: { b: "\u{1F600}", "10": "x" }, contentType: "text/x" });
  const copy = { kind: "copy", namespace: NAMESPACE, from: parseFileKey("a"), to: parseFileKey("d") } as const;
  const history: Change[][] = [
    [setNamespaceOf(), setNodeOf(1)],
    [putOf("a", "1", { content }), putOf("b", "2"), beginOf(1), beginOf(2), beginOf(3)],
    [stageOf(1, putOf("c", "3", { expires: { afterMs: 100_000 } })), stageOf(1, deleteOf("b")), stageOf(1, copy)],
    [stageOf(2, putOf("e")), stageOf(3, putOf("f"))],
    [finishOf("prepare", 3)],
    [finishOf("prepare", 1), finishOf("commit", 2)],
    [finishOf("abort", 3)],
  ];
  for (const changes of history) expect(model.commit(changes).map(codeOf)).toEqual(changes.map(() => "ok"));
  return model;
}

interface CutStep {
  readonly faults: FaultPlan;
  readonly fault: Fault;
  readonly at: number;
  readonly step: "stage" | "prepare" | "commit";
}

/** One transaction from its beginning to its end, in one step of which the connection is cut. */
async function runSteps(catalog: Catalog, number: number, { faults, fault, at, step }: CutStep): Promise<void> {
  await commitEach(catalog, beginOf(number));
  const run = async (name: CutStep["step"], ...changes: Change[]) => {
    if (name === step) faults.arm(fault, at);
    for (const change of changes) doneOf(await catalog.commit(change));
    if (name === step) faults.disarm();
  };
  await run("stage", stageOf(number, putOf(`${number}/a`)));
  doneOf(await catalog.commit(stageOf(number, putOf(`${number}/b`))));
  await run("prepare", finishOf("prepare", number));
  await run("commit", finishOf("commit", number));
}
