import { type NamespacePolicy, parseFileKey } from "@koboldfs/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Change, ChangeOutcome, Precondition } from "./change.js";
import { formatFileRef } from "./commit-view.js";
import { formatStagedRef } from "./staged-change.js";
import {
  beginOf,
  deleteOf,
  digestOf,
  finishOf,
  NAMESPACE,
  putOf,
  setNamespaceOf,
  setNodeOf,
  setQuotaOf,
  stageOf,
  transactionRef,
} from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";

const KEYS = ["a", "b", "c"];
const TRANSACTIONS = [1, 2, 3];

/** What a step does, said so plainly that two readers of it can only agree. */
type Step = EndStep | ChangeStep;

interface EndStep {
  readonly do: "begin" | "prepare" | "commit" | "abort";
  readonly tx: number;
}

interface ChangeStep {
  readonly do: "put" | "delete";
  /** Undefined: outside of transactions. */
  readonly tx: number | undefined;
  readonly key: string;
  readonly text: string;
  readonly only?: "absent" | { readonly text: string };
}

const tx = fc.constantFrom(...TRANSACTIONS);
const key = fc.constantFrom(...KEYS);
const text = fc.constantFrom("x", "yy", "zzz");
const only = fc.option(fc.oneof(fc.constant("absent" as const), fc.record({ text })), { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("begin" as const), tx }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("prepare" as const, "commit" as const, "abort" as const), tx }),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom("put" as const, "delete" as const), fc.option(tx, { nil: undefined }), key, text, only)
      .map(([verb, where, name, body, condition]) => {
        return { do: verb, tx: where, key: name, text: body, ...(condition !== undefined && { only: condition }) };
      }),
  },
);

/** Two transactions are there from the start: most orders of a few steps would begin none in time. */
const steps = fc
  .array(step, { maxLength: 40, size: "max" })
  .map((later): Step[] => [{ do: "begin", tx: 1 }, { do: "begin", tx: 2 }, ...later]);

/** Small enough that a few steps pass it. */
const quota = fc.record(
  { maxFiles: fc.integer({ min: 0, max: 3 }), maxBytes: fc.integer({ min: 0, max: 9 }) },
  { requiredKeys: [] },
);
type Quota = Pick<NamespacePolicy, "maxFiles" | "maxBytes">;

interface NaiveTransaction {
  state: "open" | "prepared" | "committed" | "aborted";
  readonly staged: Map<string, string | undefined>;
  readonly seen: Map<string, number>;
}

/** Transactions as one would explain them at a blackboard. */
class Naive {
  readonly files = new Map<string, { text: string; version: number }>();
  readonly transactions = new Map<number, NaiveTransaction>();
  readonly #quota: Quota;
  #version = 0;

  constructor(quotaOfAll: Quota) {
    this.#quota = quotaOfAll;
  }

  run(one: Step): string {
    if ("key" in one) return this.#change(one);
    const known = this.transactions.get(one.tx);
    if (one.do === "begin") {
      if (known === undefined) this.transactions.set(one.tx, { state: "open", staged: new Map(), seen: new Map() });
      return "ok";
    }
    if (known === undefined) return "transaction_not_found";
    return this.#finish(one.do, known);
  }

  see(number: number | undefined, name: string): string | undefined {
    const staged = number === undefined ? undefined : this.transactions.get(number)?.staged;
    return staged?.has(name) === true ? staged.get(name) : this.files.get(name)?.text;
  }

  #change(one: ChangeStep): string {
    const { tx: number, key: name } = one;
    const transaction = number === undefined ? undefined : this.transactions.get(number);
    if (number !== undefined) {
      if (transaction === undefined) return "transaction_not_found";
      if (transaction.state === "prepared") return "transaction_prepared";
      if (transaction.state !== "open") return "transaction_finished";
    }
    if (this.#holderOf(name) !== undefined) return "key_locked";
    const now = this.see(number, name);
    const isRight = one.only === undefined || (one.only === "absent" ? now === undefined : now === one.only.text);
    if (!isRight) return "precondition_failed";
    if (one.do === "delete" && now === undefined) return "not_found";
    const next = one.do === "put" ? one.text : undefined;
    if (transaction === undefined) {
      if (this.#isTooMuch(new Map([[name, next]]))) return "quota_exceeded";
      this.#write(name, next);
    } else {
      const isFirst = !transaction.staged.has(name);
      if (isFirst && one.only !== undefined) transaction.seen.set(name, this.files.get(name)?.version ?? 0);
      transaction.staged.set(name, next);
    }
    return "ok";
  }

  #finish(verb: "prepare" | "commit" | "abort", transaction: NaiveTransaction): string {
    const { state, staged, seen } = transaction;
    const wanted = { prepare: "prepared", commit: "committed", abort: "aborted" } as const;
    if (state === wanted[verb]) return "ok";
    if (state === "committed" || state === "aborted") return "transaction_finished";
    if (verb !== "abort" && state === "open") {
      for (const name of [...staged.keys()].sort()) {
        if (this.#holderOf(name) !== undefined) return "key_locked";
        if (seen.has(name) && seen.get(name) !== (this.files.get(name)?.version ?? 0)) return "transaction_conflict";
      }
      if (this.#isTooMuch(staged)) return "quota_exceeded";
    }
    transaction.state = wanted[verb];
    if (verb === "commit") for (const [name, next] of staged) this.#write(name, next);
    if (verb !== "prepare") staged.clear();
    return "ok";
  }

  /** Whether the changes make it larger than it may be, when all that is prepared is counted as if it were there. */
  #isTooMuch(changes: ReadonlyMap<string, string | undefined>): boolean {
    const own = this.#growth(changes);
    const prepared = [...this.transactions.values()].filter(({ state }) => state === "prepared");
    const reserved = prepared.map(({ staged }) => this.#growth(staged));
    const sum = (pick: (growth: { files: number; bytes: number }) => number) =>
      reserved.reduce((total, growth) => total + Math.max(0, pick(growth)), pick(own));
    const { maxFiles = Infinity, maxBytes = Infinity } = this.#quota;
    const bytes = [...this.files.values()].reduce((total, file) => total + file.text.length, 0);
    return (
      (own.files > 0 && this.files.size + sum(({ files }) => files) > maxFiles) ||
      (own.bytes > 0 && bytes + sum((growth) => growth.bytes) > maxBytes)
    );
  }

  #growth(changes: ReadonlyMap<string, string | undefined>): { files: number; bytes: number } {
    let [files, bytes] = [0, 0];
    for (const [name, next] of changes) {
      const before = this.files.get(name)?.text;
      files += Number(next !== undefined) - Number(before !== undefined);
      bytes += (next?.length ?? 0) - (before?.length ?? 0);
    }
    return { files, bytes };
  }

  #holderOf(name: string): NaiveTransaction | undefined {
    return [...this.transactions.values()].find(({ state, staged }) => state === "prepared" && staged.has(name));
  }

  #write(name: string, next: string | undefined): void {
    this.#version += 1;
    if (next === undefined) this.files.delete(name);
    else this.files.set(name, { text: next, version: this.#version });
  }
}

function changeOf(one: Step): Change {
  if (!("key" in one)) return one.do === "begin" ? beginOf(one.tx) : finishOf(one.do, one.tx);
  const precondition: Precondition | undefined =
    one.only === undefined
      ? undefined
      : one.only === "absent"
        ? { ifNoneMatch: "*" }
        : { ifMatch: [digestOf(one.only.text)] };
  const options = precondition === undefined ? {} : { precondition };
  const change = one.do === "put" ? putOf(one.key, one.text, options) : deleteOf(one.key, options);
  return one.tx === undefined ? change : stageOf(one.tx, change);
}

function codeOf(outcome: ChangeOutcome | undefined): string {
  if (outcome === undefined) return "none";
  return outcome.ok ? "ok" : outcome.error.code;
}

function see(catalog: ModelCatalog, number: number | undefined, name: string): string | undefined {
  const ref = { namespace: NAMESPACE, key: parseFileKey(name) };
  const committed = catalog.files.get(formatFileRef(ref))?.digest;
  if (number === undefined) return committed;
  const staged = catalog.staged.get(formatStagedRef({ ...ref, transaction: transactionRef(number).id }));
  return staged === undefined ? committed : staged.content?.digest;
}

it("does with transactions what a naive model of them does, whatever is asked in whatever order", () => {
  fc.assert(
    fc.property(steps, quota, (all, limits) => {
      const [catalog, naive] = [new ModelCatalog(), new Naive(limits)];
      catalog.commit([setQuotaOf(limits), setNodeOf(1)]);
      for (const one of all) {
        const before = catalog.head.number;
        const code = naive.run(one);
        expect(codeOf(catalog.commit([changeOf(one)])[0])).toBe(code);
        if (code !== "ok") expect(catalog.head.number).toBe(before);
        for (const name of KEYS) {
          for (const number of [undefined, ...TRANSACTIONS]) {
            const expected = naive.see(number, name);
            expect(see(catalog, number, name)).toBe(expected === undefined ? undefined : digestOf(expected));
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});

it("lets no prepared transaction fail to commit, whatever else happens meanwhile", () => {
  fc.assert(
    fc.property(steps, steps, quota, (before, after, limits) => {
      const catalog = new ModelCatalog();
      catalog.commit([setQuotaOf(limits), setNodeOf(1)]);
      for (const one of before) catalog.commit([changeOf(one)]);
      const prepared = TRANSACTIONS.filter(
        (number) => codeOf(catalog.commit([finishOf("prepare", number)])[0]) === "ok",
      );
      const promised = new Map(prepared.map((number) => [number, KEYS.map((name) => see(catalog, number, name))]));
      const held = prepared.map((number) => KEYS.filter((name) => isStaged(catalog, number, name)));
      for (const one of after.filter((other) => other.do === "put" || other.do === "delete")) {
        catalog.commit([changeOf(one), setNamespaceOf("other", 9)]);
      }
      const [namespace] = catalog.namespaces.values();
      catalog.commit([{ kind: "set-namespace", namespace: NAMESPACE, policy: { minCopies: 9, ...limits } }]);
      const isOver = ({ files, bytes }: { files: number; bytes: bigint }) =>
        files > (limits.maxFiles ?? Infinity) || bytes > BigInt(limits.maxBytes ?? Number.MAX_SAFE_INTEGER);
      expect(namespace !== undefined && isOver(namespace)).toBe(false);
      for (const [index, number] of prepared.entries()) {
        expect(codeOf(catalog.commit([finishOf("commit", number)])[0])).toBe("ok");
        const [grown] = catalog.namespaces.values();
        expect(grown !== undefined && isOver(grown)).toBe(false);
        for (const name of held[index] ?? []) {
          expect(see(catalog, undefined, name)).toBe(promised.get(number)?.[KEYS.indexOf(name)]);
        }
      }
      expect([...catalog.locks.values()]).toEqual([]);
      expect(
        [...catalog.staged.values()].filter((one) => prepared.some((n) => transactionRef(n).id === one.transaction)),
      ).toEqual([]);
    }),
  );
});

function isStaged(catalog: ModelCatalog, number: number, name: string): boolean {
  const ref = { namespace: NAMESPACE, key: parseFileKey(name), transaction: transactionRef(number).id };
  return catalog.staged.has(formatStagedRef(ref));
}
