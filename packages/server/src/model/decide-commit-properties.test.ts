import { parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change, Precondition } from "./change.js";
import { formatFileRef } from "./commit-view.js";
import { decideCommit } from "./decide-commit.js";
import { formatGenesisHash, parseJournalGroup } from "./journal-group.js";
import { verifyHistory } from "./journal-history.js";
import { replayGroups } from "./replay.js";
import { deleteOf, digestOf, nodeId, putOf, setNamespaceOf, setNodeOf } from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";

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
const change: fc.Arbitrary<Change> = fc.oneof({ weight: 5, arbitrary: put }, removal, move, {
  weight: 2,
  arbitrary: settings,
});
const history = fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 12 });

function replay(groups: readonly (readonly Change[])[]): ModelCatalog {
  const catalog = new ModelCatalog();
  for (const changes of groups) catalog.commit(changes);
  return catalog;
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
          mirror.number = piece.at(-1)?.last ?? mirror.number;
        }
        expect(mirror.files).toEqual(catalog.files);
        expect(mirror.namespaces).toEqual(catalog.namespaces);
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
        }
        const files = [...catalog.files.values()].map((file) => [`${file.namespace}/${file.key}`, file.version]);
        expect(new Map(files as [string, number][])).toEqual(live);
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
      }),
    );
  });

  it("comes to the same files whether changes share a group or not", () => {
    fc.assert(
      fc.property(history, (groups) => {
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
