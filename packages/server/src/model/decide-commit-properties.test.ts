import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change, Precondition, PutChange } from "./change.js";
import { type FileRef, formatFileRef } from "./commit-view.js";
import { decideCommit } from "./decide-commit.js";
import { formatGenesisHash, parseJournalGroup } from "./journal-group.js";
import { verifyHistory } from "./journal-history.js";
import { replayGroups } from "./replay.js";
import {
  beginOf,
  deleteOf,
  digestOf,
  finishOf,
  nodeId,
  putOf,
  setNamespaceOf,
  setNodeOf,
  stageOf,
} from "./test-changes.js";
import { formatStagedRef, type StagedChange } from "./staged-change.js";
import { ModelCatalog } from "./test-model-catalog.js";
import { isUnfinished, type TransactionRow } from "./transaction.js";

const namespace = fc.constantFrom("one", "two", "three").map(parseNamespaceName);
const key = fc.constantFrom("a", "b", "c", "d").map(parseFileKey);
const text = fc.constantFrom("", "x", "yy", "zzz");
const node = fc.integer({ min: 1, max: 4 });
const tags = fc.oneof(fc.constant("*" as const), fc.array(text.map(digestOf), { minLength: 1, maxLength: 2 }));
const precondition: fc.Arbitrary<Precondition> = fc.record({ ifMatch: tags, ifNoneMatch: tags }, { requiredKeys: [] });
const idempotency = fc.record({ key: fc.constantFrom("i1", "i2"), fingerprint: fc.constantFrom("f1", "f2") });
const extras = fc.record({ precondition, idempotency }, { requiredKeys: [] });

const put = fc
  .tuple(namespace, key, text, extras, fc.uniqueArray(node), fc.integer({ min: 1, max: 3 }))
  .map(([space, name, body, more, placed, minCopies]) => {
    return putOf(name, body, { namespace: space, ...more, placedOn: placed.map(nodeId), minCopies });
  });
const removal = fc
  .tuple(namespace, key, extras)
  .map(([space, name, more]) => deleteOf(name, { namespace: space, ...more }));
const move = fc
  .tuple(fc.constantFrom("copy" as const, "rename" as const), namespace, key, key, extras)
  .map(([kind, space, from, to, more]) => {
    return { kind, namespace: space, from, to, ...more };
  });
const settings = fc.oneof(
  fc.tuple(namespace, fc.integer({ min: 0, max: 2 })).map(([space, minCopies]) => setNamespaceOf(space, minCopies)),
  namespace.map((space) => ({ kind: "drop-namespace" as const, namespace: space })),
  fc.tuple(node, fc.constantFrom("alive", "draining", "dead", "readonly")).map(([id, state]) => {
    return setNodeOf(id, { state: state as "alive" });
  }),
);
const number = fc.integer({ min: 1, max: 40 });
const undo: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("undelete" as const), namespace, key }),
  fc.record({ kind: fc.constant("restore" as const), namespace, key, version: number }),
  fc.record(
    { kind: fc.constant("purge" as const), namespace, key, version: number },
    { requiredKeys: ["kind", "namespace", "key"] },
  ),
  fc.record({ kind: fc.constant("move-horizon" as const), namespace, horizon: number }),
);
const transaction = fc.integer({ min: 1, max: 3 });
const stageable = fc.oneof({ weight: 4, arbitrary: put }, removal, move).map(({ idempotency: _, ...one }) => one);
const transactional: fc.Arbitrary<Change> = fc.oneof(
  transaction.map((number) => beginOf(number)),
  { weight: 4, arbitrary: fc.tuple(transaction, stageable).map(([number, one]) => stageOf(number, one as PutChange)) },
  fc.tuple(fc.constantFrom("prepare", "commit", "abort"), transaction).map(([step, number]) => finishOf(step, number)),
);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: put },
  ...[removal, move, undo],
  { weight: 2, arbitrary: settings },
  { weight: 4, arbitrary: transactional },
);
const history = fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 12 });

/**
 * What is staged on a node that joins in the same group was placed on it before that, and is not counted there; in a group
 * of its own it was placed afterwards. Such a change begins another group.
 */
function cutAtJoins(changes: readonly Change[]): Change[][] {
  const groups: Change[][] = [[]];
  for (const one of changes) {
    const joined = new Set(groups.at(-1)?.flatMap((before) => (before.kind === "set-node" ? [before.node.id] : [])));
    const placedOn = one.kind === "stage" && one.change.kind === "put" ? one.change.placedOn : [];
    if (placedOn.some((id) => joined.has(id))) groups.push([]);
    groups.at(-1)?.push(one);
  }
  return groups;
}

function replay(groups: readonly (readonly Change[])[]): ModelCatalog {
  const catalog = new ModelCatalog();
  for (const changes of groups) catalog.commit(changes);
  return catalog;
}

function findAsOf(catalog: ModelCatalog, ref: FileRef, at: number): number | undefined {
  const file = catalog.files.get(formatFileRef(ref));
  if (file !== undefined && file.version <= at) return file.version;
  const formers = [...catalog.formers.values()].filter((one) => formatFileRef(one) === formatFileRef(ref));
  return formers.find((one) => one.version <= at && one.supersededBy > at)?.version;
}

/** Key and digest of each file of the namespace `one` as of the number. */
function listAsOf(catalog: ModelCatalog, prefix: string, at: number): Map<string, string> {
  const all = [...catalog.files.values(), ...catalog.formers.values()];
  const then = all.filter((one) => {
    const isIn = one.namespace === "one" && one.key.startsWith(prefix);
    return isIn && one.version <= at && (!("supersededBy" in one) || (one.supersededBy as number) > at);
  });
  return new Map(then.map(({ key, digest }): [string, string] => [key, digest]).sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe("decideCommit, for any history", () => {
  it("numbers the journal without a gap, times it forwards, and chains its hashes", () => {
    fc.assert(
      fc.property(history, (groups) => {
        const catalog = replay(groups);
        const numbers = catalog.groups.flatMap((group) => group.entries.map((entry) => entry.number));
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
        expect(catalog.head.number).toBe(numbers.length);
        const times = catalog.groups.map((group) => group.timeMs);
        expect(times).toEqual(times.toSorted((x, y) => x - y));
        const start = { number: 0, hash: formatGenesisHash("0".repeat(32)) };
        expect(verifyHistory(start, catalog.groups)).toEqual({
          ok: true,
          head: { number: catalog.head.number, hash: catalog.head.hash },
        });
      }),
    );
  });

  it("writes a journal whose replay, in pieces of any size, comes to the same files, namespaces and nodes", () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 5 }), (groups, size) => {
        const catalog = replay(groups);
        const mirror = { files: new Map(), namespaces: new Map(), nodes: new Map(), number: 0 };
        const transactions = new Map<string, TransactionRow>();
        const [staged, locked] = [new Map<string, StagedChange>(), new Set<string>()];
        for (let start = 0; start < catalog.groups.length; start += size) {
          const piece = catalog.groups.slice(start, start + size).map(({ bytes }) => parseJournalGroup(bytes));
          const [files, namespaces] = [[...mirror.files.values()], [...mirror.namespaces.values()]];
          const head = { number: mirror.number, hash: "" };
          const plan = replayGroups({ head, files, namespaces, nodes: [...mirror.nodes.values()] }, piece);
          for (const ref of plan.filesToRemove) mirror.files.delete(formatFileRef(ref));
          for (const file of plan.filesToPut) mirror.files.set(formatFileRef(file), file);
          for (const name of plan.namespacesToRemove) mirror.namespaces.delete(name);
          for (const row of plan.namespacesToPut) mirror.namespaces.set(row.name, row);
          for (const row of plan.nodesToPut) mirror.nodes.set(row.id, row);
          for (const row of plan.transactionsToPut) transactions.set(row.id, row);
          for (const one of plan.stagedToPut) staged.set(formatStagedRef(one), one);
          for (const id of plan.transactionsToLock) locked.add(id);
          for (const id of plan.transactionsToClear) {
            locked.delete(id);
            for (const [ref, one] of staged) if (one.transaction === id) staged.delete(ref);
          }
          mirror.number = piece.at(-1)?.last ?? mirror.number;
        }
        expect(mirror.files).toEqual(catalog.files);
        expect(mirror.namespaces).toEqual(catalog.namespaces);
        const all = [...catalog.transactions.values()];
        const prepared = all.filter(({ state }) => state === "prepared");
        expect([...transactions.values()].filter(isUnfinished)).toEqual(expect.arrayContaining(prepared));
        expect(locked).toEqual(new Set(prepared.map(({ id }) => id)));
        const isKept = (one: StagedChange) => prepared.some(({ id }) => id === one.transaction);
        expect(new Set(staged.values())).toEqual(new Set([...catalog.staged.values()].filter(isKept)));
        for (const row of all.filter(({ state }) => state === "committed")) {
          expect(transactions.get(row.id)).toMatchObject({
            state: "committed",
            number: row.number,
            changes: row.changes,
          });
        }
        const settingsOf = (rows: Iterable<object>) =>
          [...rows].map((row) => ({ ...row, joinedAt: 0, backfillPosition: 0 }));
        expect(settingsOf(mirror.nodes.values())).toEqual(settingsOf(catalog.nodes.values()));
      }),
    );
  });

  it("writes into the journal what each idempotency key was answered", () => {
    fc.assert(
      fc.property(history, (groups) => {
        const catalog = replay(groups);
        const answers = catalog.groups.flatMap(({ bytes }) => parseJournalGroup(bytes).answers ?? []);
        const recorded = [...catalog.recorded.values()].map(({ key: name, fingerprint, outcome }) => {
          const { version, copies, holders } = outcome;
          return { key: name, fingerprint, version, copies, holders };
        });
        expect(answers).toEqual(recorded);
      }),
    );
  });

  it("keeps each namespace's usage equal to the sum over its files", () => {
    fc.assert(
      fc.property(history, (groups) => {
        const catalog = replay(groups);
        for (const { name, files, bytes } of catalog.namespaces.values()) {
          const own = [...catalog.files.values()].filter((file) => file.namespace === name);
          expect({ files, bytes }).toEqual({
            files: own.length,
            bytes: own.reduce((sum, file) => sum + BigInt(file.sizeBytes), 0n),
          });
        }
        for (const file of catalog.files.values()) expect(catalog.namespaces.has(file.namespace)).toBe(true);
      }),
    );
  });

  it("comes to the live files that a replay of the journal comes to", () => {
    fc.assert(
      fc.property(history, (groups) => {
        const catalog = replay(groups);
        const live = new Map<string, number>();
        for (const entry of catalog.groups.flatMap((group) => group.entries)) {
          if (entry.kind === "put") live.set(`${entry.namespace}/${entry.key}`, entry.number);
          if (entry.kind === "delete") live.delete(`${entry.namespace}/${entry.key}`);
          if (entry.kind === "purge" && live.get(`${entry.namespace}/${entry.key}`) === entry.version) {
            live.delete(`${entry.namespace}/${entry.key}`);
          }
        }
        const files = [...catalog.files.values()].map((file) => [`${file.namespace}/${file.key}`, file.version]);
        expect(new Map(files as [string, number][])).toEqual(live);
      }),
    );
  });

  it("keeps what each key named as of every number above the horizon, but for what was purged", () => {
    fc.assert(
      fc.property(history, (groups) => {
        const catalog = replay(groups);
        const entries = catalog.groups.flatMap((group) => group.entries);
        const purged = new Set(entries.flatMap((entry) => (entry.kind === "purge" ? [entry.version] : [])));
        const live = new Map<string, number>();
        for (const entry of entries) {
          if (!("key" in entry)) continue;
          const id = `${entry.namespace}/${entry.key}`;
          if (entry.kind === "put") live.set(id, entry.number);
          else if (entry.kind === "delete" || live.get(id) === entry.version) live.delete(id);
          const horizon = catalog.namespaces.get(entry.namespace)?.horizon ?? Number.POSITIVE_INFINITY;
          if (entry.number < horizon) continue;
          const then = live.get(id);
          expect(findAsOf(catalog, entry, entry.number)).toBe(
            then !== undefined && purged.has(then) ? undefined : then,
          );
        }
      }),
    );
  });

  it("restores a prefix to what it was, in one commit, and what it changes can be undone the same way", () => {
    fc.assert(
      fc.property(history, fc.constantFrom("", "a", "b"), fc.nat({ max: 40 }), (groups, prefix, at) => {
        const catalog = replay([[setNamespaceOf("one")], ...groups]);
        const row = catalog.namespaces.get("one");
        if (row === undefined || at < row.horizon || at > catalog.head.number) return;
        const asOf = { number: at, timeMs: 1 };
        const before = catalog.head.number;
        const then = listAsOf(catalog, prefix, at);
        const now = listAsOf(catalog, prefix, before);
        const change = { kind: "restore-prefix", namespace: row.name, prefix } as const;
        expect(catalog.commit([{ ...change, asOf }])[0]?.ok).toBe(true);
        expect(listAsOf(catalog, prefix, catalog.head.number)).toEqual(then);
        catalog.commit([{ ...change, asOf: { number: before, timeMs: 1 } }]);
        expect(listAsOf(catalog, prefix, catalog.head.number)).toEqual(now);
      }),
    );
  });

  it("comes to the same with the refused changes left out: they touched nothing", () => {
    fc.assert(
      fc.property(history, (groups) => {
        const catalog = new ModelCatalog();
        const taken = new ModelCatalog();
        for (const changes of groups) {
          const outcomes = catalog.commit(changes);
          taken.commit(changes.filter((_, index) => outcomes[index]?.ok));
        }
        expect(taken.files).toEqual(catalog.files);
        expect(taken.namespaces).toEqual(catalog.namespaces);
        expect(taken.nodes).toEqual(catalog.nodes);
        expect(taken.debts).toEqual(catalog.debts);
        expect(taken.recorded).toEqual(catalog.recorded);
        expect(taken.formers).toEqual(catalog.formers);
        expect(taken.purges).toEqual(catalog.purges);
      }),
    );
  });

  it("comes to the same files whether changes share a group or not", () => {
    fc.assert(
      fc.property(history, (drawn) => {
        const groups = drawn.flatMap(cutAtJoins);
        const together = new ModelCatalog();
        const alone = new ModelCatalog();
        for (const changes of groups) {
          const outcomes = together.commit(changes);
          const single = changes.map((one) => alone.commit([one])[0]);
          expect(single.map((one) => one?.ok)).toEqual(outcomes.map((one) => one.ok));
        }
        const strip = (catalog: ModelCatalog) => [...catalog.files.values()].map(({ modified: _, ...file }) => file);
        expect(strip(alone).length).toBe(strip(together).length);
        expect(new Set(strip(alone).map((file) => JSON.stringify(file)))).toEqual(
          new Set(strip(together).map((file) => JSON.stringify(file))),
        );
        expect(alone.debts).toEqual(together.debts);
      }),
      { numRuns: 300 },
    );
  });

  it("is the same when it is asked twice", () => {
    fc.assert(
      fc.property(history, fc.array(change, { maxLength: 6 }), (groups, changes) => {
        const view = replay(groups).view(changes);
        expect(decideCommit(view, "g", changes)).toEqual(decideCommit(view, "g", changes));
      }),
    );
  });
});
