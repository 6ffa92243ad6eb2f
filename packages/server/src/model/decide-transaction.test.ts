import { parseFileKey } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Change, ChangeOutcome, StageableChange } from "./change.js";
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
} from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";
import { DEFAULT_STAGING_LIMITS, MAX_TRANSACTION_CHANGES, MAX_UNFINISHED_TRANSACTIONS } from "./transaction.js";

function codeOf(outcome: ChangeOutcome | undefined): string {
  if (outcome === undefined) return "none";
  return outcome.ok ? "ok" : outcome.error.code;
}

describe("a transaction", () => {
  let catalog: ModelCatalog;
  beforeEach(() => {
    catalog = new ModelCatalog();
    catalog.commit([setNamespaceOf(), setNodeOf(1), setNodeOf(2)]);
  });

  const commit = (...changes: Change[]) => changes.map((change) => codeOf(catalog.commit([change])[0]));
  const stage = (change: StageableChange) => commit(stageOf(1, change))[0];
  const owedBy = (node: number) => [...catalog.debts.values()].filter((debt) => debt.node === nodeId(node));
  const both = { placedOn: [nodeId(1), nodeId(2)] };

  it("makes a node owe what was placed on it before it was filled anew: those disks may be gone", () => {
    commit(beginOf(1), stageOf(1, putOf("a", "staged", both)));
    commit({ kind: "refill-node", node: nodeId(2), forgetVolumes: true });
    expect(commit(finishOf("commit", 1))).toEqual(["ok"]);
    expect(owedBy(2)).toMatchObject([{ digest: digestOf("staged"), copies: 1 }]);
    expect(owedBy(1)).toEqual([]);
  });

  it("counts on no node that was filled anew in the group in which it staged: the bytes were placed before", () => {
    commit(beginOf(1));
    const refill: Change = { kind: "refill-node", node: nodeId(2), forgetVolumes: true };
    const outcomes = catalog.commit([refill, stageOf(1, putOf("a", "staged", { ...both, minCopies: 2 }))]);
    expect(outcomes.map(codeOf)).toEqual(["ok", "ok"]);
    expect(commit(finishOf("prepare", 1))).toEqual(["too_few_copies"]);
  });

  it("is refused when too few of the nodes are left on which it was placed, and not once it was prepared", () => {
    commit(beginOf(1), stageOf(1, putOf("a")), beginOf(2), stageOf(2, putOf("b")), finishOf("prepare", 2));
    commit({ kind: "set-node-state", node: nodeId(1), state: "dead" });
    expect(commit(finishOf("commit", 1), finishOf("commit", 2))).toEqual(["too_few_copies", "ok"]);
    expect(owedBy(2).map(({ digest }) => digest)).toContain(digestOf("b"));
  });

  it("is checked again for the copies that the namespace demands by then", () => {
    commit(beginOf(1), stageOf(1, putOf("a")), setNamespaceOf(NAMESPACE, 2));
    expect(commit(finishOf("prepare", 1))).toEqual(["too_few_copies"]);
    expect(catalog.transactions.get(transactionRef(1).id)?.state).toBe("open");
  });

  it("is refused when its namespace is gone", () => {
    commit(beginOf(1), stageOf(1, putOf("a")), { kind: "drop-namespace", namespace: NAMESPACE });
    expect(commit(finishOf("commit", 1))).toEqual(["transaction_conflict"]);
  });

  it("holds an expired file against the worker that would delete it, and a purge", () => {
    catalog.nowMs = 1000;
    const [file] = [putOf("a", "old", { content: contentOf("old"), expires: { atMs: 1500 } })];
    commit(file, beginOf(1), stageOf(1, putOf("a", "new")), finishOf("prepare", 1));
    catalog.nowMs = 2000;
    const { version } = [...catalog.files.values()][0] ?? { version: 0 };
    const expire: Change = { kind: "expire", namespace: NAMESPACE, key: parseFileKey("a"), version };
    expect(commit(expire, finishOf("commit", 1))).toEqual(["key_locked", "ok"]);
    expect([...catalog.files.values()][0]?.digest).toBe(digestOf("new"));
  });

  it("counts an expiry from its commit, and by the namespace's policy of then", () => {
    commit(beginOf(1), stageOf(1, putOf("a", "a", { expires: { afterMs: 500 } })), stageOf(1, putOf("b")));
    commit({ kind: "set-namespace", namespace: NAMESPACE, policy: { minCopies: 1, expireAfterMs: 900 } });
    catalog.nowMs = 10_000;
    commit(finishOf("commit", 1));
    const left = [...catalog.files.values()].map((file) => (file.expiresMs ?? 0) - file.modified.getTime());
    expect(left).toEqual([500, 900]);
  });

  it("needs no deletion of what is gone by then, and relies on a rename's source", () => {
    commit(putOf("a"), putOf("b"), beginOf(1), stageOf(1, deleteOf("a")), deleteOf("a"));
    expect(commit(finishOf("commit", 1))).toEqual(["ok"]);
    const rename = { kind: "rename", namespace: NAMESPACE, from: parseFileKey("b"), to: parseFileKey("c") } as const;
    commit(beginOf(2), stageOf(2, rename), putOf("b", "changed"));
    expect(commit(finishOf("commit", 2))).toEqual(["transaction_conflict"]);
  });

  it("relies on the source of a copy only when that was demanded", () => {
    const copy = { kind: "copy", namespace: NAMESPACE, from: parseFileKey("a"), to: parseFileKey("b") } as const;
    commit(putOf("a", "1"), beginOf(1), beginOf(2), stageOf(1, copy));
    commit(stageOf(2, { ...copy, to: parseFileKey("c"), sourceMatch: [digestOf("1")] }), putOf("a", "2"));
    expect(commit(finishOf("commit", 1), finishOf("commit", 2))).toEqual(["ok", "transaction_conflict"]);
    expect(catalog.transactions.get(transactionRef(2).id)?.changes).toBe(2);
  });

  it("takes so many changes and bytes and no more, and a namespace so many of all transactions", () => {
    const limits = { transactionBytes: 10, namespaceBytes: 15 };
    commit(beginOf(1), beginOf(2));
    const six = (key: string) => putOf(key, "6bytes");
    expect(commit(stageOf(1, six("a"), limits), stageOf(1, six("b"), limits))).toEqual(["ok", "transaction_too_large"]);
    expect(commit(stageOf(2, six("c"), limits), stageOf(2, putOf("d", "4444"), limits))).toEqual([
      "ok",
      "staging_full",
    ]);
    expect(commit(finishOf("abort", 1), stageOf(2, putOf("d", "4444"), limits))).toEqual(["ok", "ok"]);
    const row = catalog.transactions.get(transactionRef(2).id);
    if (row === undefined) throw new Error("there is no transaction");
    catalog.transactions.set(row.id, { ...row, changes: MAX_TRANSACTION_CHANGES });
    expect(commit(stageOf(2, putOf("e"), DEFAULT_STAGING_LIMITS))).toEqual(["transaction_too_large"]);
  });

  it("is refused when the catalog knows of fewer changes than were acknowledged: a standby may lack the last", () => {
    const staged = [stageOf(1, putOf("a")), stageOf(1, putOf("a", "again")), stageOf(1, putOf("b"))];
    const outcomes = [beginOf(1), ...staged].map((change) => catalog.commit([change])[0]);
    expect(outcomes.map((outcome) => (outcome?.ok ? outcome.steps : "refused"))).toEqual([undefined, 1, 2, 3]);
    const lost = { ...finishOf("commit", 1), steps: 4 };
    expect(commit(lost, { ...lost, kind: "prepare-transaction" })).toEqual([
      "transaction_conflict",
      "transaction_conflict",
    ]);
    expect(commit({ ...lost, steps: 3 }, lost)).toEqual(["ok", "ok"]);
  });

  it("is one of so many unfinished ones at most", () => {
    for (let number = 1; number <= MAX_UNFINISHED_TRANSACTIONS; number += 1) catalog.commit([beginOf(number)]);
    expect(commit(beginOf(5000))).toEqual(["too_many_transactions"]);
    expect(commit(finishOf("abort", 7), beginOf(5000))).toEqual(["ok", "ok"]);
  });

  it("refuses a placement that is too old when it is staged, as a put would be", () => {
    catalog.monotonicMs = 11 * 60_000;
    commit(beginOf(1));
    expect(stage(putOf("a", "a", { placedSinceMs: 0 }))).toBe("placement_expired");
  });
});
