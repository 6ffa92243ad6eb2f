import fc from "fast-check";
import { expect, it } from "vitest";
import type { Change } from "./change.js";
import { planJoin } from "./join-plan.js";
import { parseJournalGroup } from "./journal-group.js";
import {
  beginOf,
  deleteOf,
  digestOf,
  finishOf,
  NAMESPACE,
  putOf,
  setNamespaceOf,
  setNodeOf,
  stageOf,
} from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";

const key = fc.constantFrom("a", "b", "c");
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(key, fc.string({ maxLength: 3 })).map(([name, text]) => putOf(name, text)) },
  key.map((name) => deleteOf(name)),
);
const side = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 6 });

function run(...sides: readonly (readonly (readonly Change[])[])[]): ModelCatalog {
  const catalog = new ModelCatalog();
  catalog.commit([setNamespaceOf(), setNodeOf(1), setNodeOf(2)]);
  for (const groups of sides) for (const changes of groups) catalog.commit(changes);
  return catalog;
}

function join(catalog: ModelCatalog, branch: ModelCatalog, forkGroups: number) {
  const fork = { number: catalog.groups[forkGroups - 1]?.last ?? 0, hash: catalog.groups[forkGroups - 1]?.hash ?? "" };
  const after = (one: ModelCatalog) => one.groups.slice(forkGroups).map(({ bytes }) => parseJournalGroup(bytes));
  return { fork, plan: planJoin(fork, after(branch), after(catalog)) };
}

function currentOf(catalog: ModelCatalog): Map<string, string> {
  return new Map([...catalog.files.values()].map((file) => [file.key, file.digest]));
}

it("keeps every version of both sides, and current is what the catalog's side said where it said something", () => {
  fc.assert(
    fc.property(side, side, side, (common, ours, theirs) => {
      const base = run(common);
      const [catalog, branch] = [run(common, ours), run(common, theirs)];
      const { fork, plan } = join(catalog, branch, base.groups.length);
      const before = currentOf(catalog);
      expect(catalog.commit(plan.files).every((outcome) => outcome.ok)).toBe(true);
      expect(() => catalog.groups.map(({ bytes }) => parseJournalGroup(bytes))).not.toThrow();
      const entriesAfterFork = catalog.groups
        .flatMap(({ entries }) => entries)
        .filter((one) => one.number > fork.number);
      const named = entriesAfterFork.flatMap((one) => (one.kind === "put" ? [`${one.key} ${one.content.digest}`] : []));
      for (const { entries } of branch.groups.slice(base.groups.length)) {
        for (const one of entries) if (one.kind === "put") expect(named).toContain(`${one.key} ${one.content.digest}`);
      }
      const ourKeys = new Set(
        run(common, ours)
          .groups.slice(base.groups.length)
          .flatMap(({ entries }) => entries)
          .flatMap((one) => ("key" in one ? [one.key as string] : [])),
      );
      const [after, theirsNow] = [currentOf(catalog), currentOf(branch)];
      for (const name of ["a", "b", "c"]) {
        const expected = ourKeys.has(name) ? before : theirsNow;
        expect(after.get(name)).toBe(expected.get(name));
      }
    }),
  );
});

it("does nothing a second time: another node that has the same branch finds it joined", () => {
  const [catalog, branch] = [run([[putOf("a", "ours")]]), run([[putOf("a", "theirs"), putOf("b")]])];
  const { plan } = join(catalog, branch, 1);
  catalog.commit(plan.files);
  const { number } = catalog.head;
  const again = catalog.commit(join(run([[putOf("a", "ours")]]), branch, 1).plan.files);
  expect(again).toMatchObject([
    { ok: true, replayed: true },
    { ok: true, replayed: true },
  ]);
  expect(catalog.head.number).toBe(number);
  expect([...catalog.debts.values()].map(({ copies }) => copies)).toContain(0);
});

it("lists the namespaces and nodes that only the branch may have, and passes over what it dropped", () => {
  const base = run();
  const catalog = run();
  const branch = run([[setNamespaceOf("photos", 2), setNodeOf(3)], [setNamespaceOf("gone")], [putOf("a")]]);
  branch.commit([{ kind: "drop-namespace", namespace: setNamespaceOf("gone").namespace }]);
  const { plan } = join(catalog, branch, base.groups.length);
  expect([...plan.namespaces]).toEqual([
    ["photos", { minCopies: 2 }],
    [NAMESPACE, undefined],
  ]);
  expect(plan.nodes.map(({ name }) => name)).toEqual(["node-3"]);
});

it("says again what only the branch knew of transactions, so that each can end as it was decided there", () => {
  const page = stageOf(1, putOf("page", "of the transaction"));
  const staged = [page, stageOf(2, putOf("two")), stageOf(3, putOf("three"))];
  const common: Change[][] = [
    [beginOf(1), beginOf(2), beginOf(3)],
    staged,
    [finishOf("prepare", 2), finishOf("prepare", 3)],
  ];
  const base = run(common);
  const branch = run(common, [[finishOf("prepare", 1)], [finishOf("commit", 2)], [finishOf("abort", 3)]]);
  const catalog = run(common, [[putOf("b", "meanwhile")]]);
  const { plan } = join(catalog, branch, base.groups.length);
  for (let time = 0; time < 2; time += 1) {
    expect(catalog.commit(plan.files).every(({ ok }) => ok)).toBe(true);
    for (const one of plan.transactions) expect(catalog.commit([one])[0]).toMatchObject({ ok: true });
  }
  const states = [...catalog.transactions.values()].map(({ state }) => state);
  expect(states).toEqual(["prepared", "committed", "aborted"]);
  expect([...catalog.locks.values()].map((lock) => lock.key)).toEqual(["page"]);
  expect(currentOf(catalog).get("two")).toBe(digestOf("two"));
  expect(catalog.commit([finishOf("commit", 1)])[0]).toMatchObject({ ok: true });
  expect(currentOf(catalog).get("page")).toBe(digestOf("of the transaction"));
  const kinds = catalog.groups.flatMap(({ bytes }) => parseJournalGroup(bytes).entries).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "prepare")).toHaveLength(3);
});
