import { parseFileKey } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Change, ChangeOutcome } from "./change.js";
import {
  beginOf,
  deleteOf,
  finishOf,
  NAMESPACE,
  putOf,
  setNodeOf,
  setQuotaOf,
  stageOf,
  transactionRef,
} from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";

let catalog: ModelCatalog;
beforeEach(() => {
  catalog = new ModelCatalog();
  catalog.commit([setQuotaOf({ maxFiles: 3, maxBytes: 10 }), setNodeOf(1)]);
});

const codeOf = (outcome: ChangeOutcome) => (outcome.ok ? "ok" : outcome.error.code);
const commit = (...changes: Change[]) => changes.flatMap((change) => catalog.commit([change]).map(codeOf));
const key = (text: string) => parseFileKey(text);
const usage = () => {
  const { files, bytes } = [...catalog.namespaces.values()][0] ?? { files: -1, bytes: -1n };
  return [files, Number(bytes)];
};

describe("a quota", () => {
  it("of bytes counts what a put adds: an overwrite only what it is larger", () => {
    expect(commit(putOf("a", "12345"), putOf("b", "123456"), putOf("b", "12345"))).toEqual([
      ...["ok", "quota_exceeded", "ok"],
    ]);
    expect(commit(putOf("a", "123456"), putOf("a", "54321"), putOf("a", "1"), putOf("b", "123456789"))).toEqual([
      ...["quota_exceeded", "ok", "ok", "ok"],
    ]);
    expect(usage()).toEqual([2, 10]);
  });

  it("of files counts keys, and empty files too", () => {
    expect(commit(putOf("a", ""), putOf("b", ""), putOf("c", ""), putOf("d", ""))).toEqual([
      ...["ok", "ok", "ok", "quota_exceeded"],
    ]);
    expect(commit(deleteOf("b"), putOf("d", ""), putOf("d", "again"))).toEqual(["ok", "ok", "ok"]);
  });

  it("counts what was decided before in the same group", () => {
    const outcomes = catalog.commit([putOf("a", "123456"), putOf("b", "123456"), deleteOf("a"), putOf("c", "123456")]);
    expect(outcomes.map(codeOf)).toEqual(["ok", "quota_exceeded", "ok", "ok"]);
  });

  it("holds for copies, undelete and restore, and never for a rename", () => {
    const to = (name: string) => ({ namespace: NAMESPACE, from: key("a"), to: key(name) });
    commit(putOf("a", "123456"));
    const { version } = [...catalog.files.values()][0] ?? { version: 0 };
    expect(commit({ kind: "copy", ...to("b") }, { kind: "rename", ...to("b") })).toEqual(["quota_exceeded", "ok"]);
    commit(putOf("b", "12345"));
    const restore: Change = { kind: "restore", namespace: NAMESPACE, key: key("a"), version };
    const undelete: Change = { kind: "undelete", namespace: NAMESPACE, key: key("a") };
    expect(commit(restore, undelete, deleteOf("b"), undelete)).toEqual([
      ...["quota_exceeded", "quota_exceeded", "ok", "ok"],
    ]);
    expect(usage()).toEqual([1, 6]);
  });

  it("holds for all that a restored prefix comes to, which is refused as a whole", () => {
    commit(putOf("a", "12345"), putOf("b", "12345"));
    const asOf = { number: catalog.head.number, timeMs: catalog.nowMs };
    const restore: Change = { kind: "restore-prefix", namespace: NAMESPACE, prefix: "", asOf };
    commit(deleteOf("a"), putOf("b", "1"), setQuotaOf({ maxBytes: 9 }));
    expect(commit(restore)).toEqual(["quota_exceeded"]);
    expect(usage()).toEqual([1, 1]);
    commit(setQuotaOf({ maxBytes: 10 }));
    expect(commit(restore)).toEqual(["ok"]);
    expect(usage()).toEqual([2, 10]);
  });

  it("that was lowered below what is there stops growth only", () => {
    commit(putOf("a", "12345"), putOf("b", "12345"), setQuotaOf({ maxFiles: 1, maxBytes: 3 }));
    expect(commit(putOf("a", "1234"), putOf("b", "123456"), putOf("c", ""), deleteOf("b"))).toEqual([
      ...["ok", "quota_exceeded", "quota_exceeded", "ok"],
    ]);
  });

  it("is a whole number from 0 on", () => {
    for (const maxBytes of [-1, 0.5, Number.MAX_SAFE_INTEGER + 1]) {
      expect(commit(setQuotaOf({ maxBytes }))).toEqual(["invalid_request"]);
    }
    expect(commit(setQuotaOf({ maxFiles: 0 }), putOf("a", ""))).toEqual(["ok", "quota_exceeded"]);
  });
});

describe("a prepared transaction", () => {
  const staged = (...changes: readonly (ReturnType<typeof putOf> | ReturnType<typeof deleteOf>)[]) =>
    commit(beginOf(1), ...changes.map((change) => stageOf(1, change)));

  it("reserves what it will add until it is committed or aborted", () => {
    staged(putOf("a", "1234567"));
    expect(commit(putOf("b", "1234"), deleteOf("b"), finishOf("prepare", 1), putOf("b", "1234"))).toEqual([
      ...["ok", "ok", "ok", "quota_exceeded"],
    ]);
    expect(commit(finishOf("abort", 1), putOf("b", "1234"))).toEqual(["ok", "ok"]);
    commit(beginOf(2), stageOf(2, putOf("c", "123456")));
    expect(commit(finishOf("prepare", 2), finishOf("commit", 2), putOf("d", "1"))).toEqual([
      ...["ok", "ok", "quota_exceeded"],
    ]);
    expect(catalog.transactions.get(transactionRef(2).id)?.reserved).toBeUndefined();
  });

  it("is counted as a whole: what it deletes makes room for what it puts", () => {
    commit(putOf("a", "1234567890"));
    staged(deleteOf("a"), putOf("b", "1234567890"));
    expect(commit(finishOf("prepare", 1))).toEqual(["ok"]);
    expect(commit(putOf("c", "1"), finishOf("commit", 1))).toEqual(["quota_exceeded", "ok"]);
    expect(usage()).toEqual([1, 10]);
  });

  it("that takes away gives nothing to others before it is committed", () => {
    commit(putOf("a", "1234567890"));
    staged(deleteOf("a"));
    expect(commit(finishOf("prepare", 1), putOf("b", "1"), finishOf("commit", 1), putOf("b", "1"))).toEqual([
      ...["ok", "quota_exceeded", "ok", "ok"],
    ]);
  });

  it("is refused when there is no room, stays open, and can be committed once there is", () => {
    commit(putOf("b", "1234"));
    staged(putOf("a", "1234567"));
    expect(commit(finishOf("prepare", 1), finishOf("commit", 1))).toEqual(["quota_exceeded", "quota_exceeded"]);
    expect(commit(deleteOf("b"), finishOf("commit", 1))).toEqual(["ok", "ok"]);
  });

  it("is committed whatever became of the quota, and names it in what others are refused with", () => {
    staged(putOf("a", "1234567"));
    commit(finishOf("prepare", 1));
    const [refused] = catalog.commit([putOf("b", "1234")]);
    expect(refused?.ok === false && refused.error.message).toBe(
      "namespace demo would hold 11 bytes; it may hold 10 (prepared transactions reserve 1 files, 7 bytes)",
    );
    expect(commit(setQuotaOf({ maxBytes: 0, maxFiles: 0 }), finishOf("commit", 1))).toEqual(["ok", "ok"]);
  });
});
