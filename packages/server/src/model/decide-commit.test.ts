import { parseFileKey, parseNodeName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Change, ChangeDone, ChangeOutcome } from "./change.js";
import type { CommitView } from "./commit-view.js";
import { decideCommit } from "./decide-commit.js";
import { deleteOf, digestOf, NAMESPACE, nodeId, putOf, setNamespaceOf, setNodeOf } from "./test-changes.js";
import { createEmptyView, ModelCatalog } from "./test-model-catalog.js";

const a = parseFileKey("a");
const b = parseFileKey("b");

function codeOf(outcome: ChangeOutcome | undefined): string {
  return outcome === undefined ? "none" : outcome.ok ? "ok" : outcome.error.code;
}

function doneOf(outcome: ChangeOutcome | undefined): ChangeDone {
  if (outcome?.ok !== true) throw new Error(`refused: ${codeOf(outcome)}`);
  return outcome;
}

/** A catalog with the namespace and nodes 1 to `nodes`. */
function catalogWith(nodes: number): ModelCatalog {
  const catalog = new ModelCatalog();
  catalog.commit([setNamespaceOf(), ...Array.from({ length: nodes }, (_, index) => setNodeOf(index + 1))]);
  return catalog;
}

function tell(catalog: ModelCatalog, ...changes: Change[]): string[] {
  return catalog.commit(changes).map(codeOf);
}

describe("decideCommit", () => {
  it("refuses changes of a namespace that there is not", () => {
    const changes = [putOf("a"), deleteOf("a"), { kind: "copy", namespace: NAMESPACE, from: a, to: b } as const];
    expect(tell(new ModelCatalog(), ...changes)).toEqual(Array(3).fill("namespace_not_found"));
    expect(tell(new ModelCatalog(), { kind: "drop-namespace", namespace: NAMESPACE })).toEqual(["namespace_not_found"]);
  });

  it("sees in each change the effect of those before it, and numbers only what it took", () => {
    const catalog = catalogWith(1);
    const outcomes = catalog.commit([
      putOf("a"),
      deleteOf("missing"),
      { kind: "rename", namespace: NAMESPACE, from: a, to: b },
      deleteOf("a"),
      deleteOf("b"),
    ]);
    expect(outcomes.map(codeOf)).toEqual(["ok", "not_found", "ok", "not_found", "ok"]);
    expect(outcomes.filter((one) => one.ok).map((one) => doneOf(one).version)).toEqual([3, 4, 6]);
    expect(catalog.head.number).toBe(6);
    expect(catalog.files.size).toBe(0);
  });

  it("writes nothing at all when every change is refused", () => {
    const plan = decideCommit(catalogWith(1).view([deleteOf("a")]), "g", [deleteOf("a")]);
    expect(plan).toMatchObject({
      group: undefined,
      filesToPut: [],
      filesToRemove: [],
      namespacesToPut: [],
      outcomesToRecord: [],
    });
  });

  it("checks If-Match and If-None-Match against the state under the lock", () => {
    const catalog = catalogWith(1);
    tell(catalog, putOf("a", "one"));
    const put = (precondition: object) => tell(catalog, putOf("a", "one", { precondition }))[0];
    expect(put({ ifNoneMatch: "*" })).toBe("precondition_failed");
    expect(put({ ifNoneMatch: [digestOf("one")] })).toBe("precondition_failed");
    expect(put({ ifMatch: [digestOf("two")] })).toBe("precondition_failed");
    expect(put({ ifMatch: [digestOf("two"), digestOf("one")], ifNoneMatch: [digestOf("two")] })).toBe("ok");
    expect(tell(catalog, putOf("new", "x", { precondition: { ifMatch: "*" } }))).toEqual(["precondition_failed"]);
    expect(tell(catalog, deleteOf("new", { precondition: { ifMatch: "*" } }))).toEqual(["precondition_failed"]);
    const copy = { kind: "copy", namespace: NAMESPACE, from: a, to: b } as const;
    expect(tell(catalog, { ...copy, sourceMatch: [digestOf("two")] })).toEqual(["precondition_failed"]);
    expect(
      tell(catalog, { ...copy, precondition: { ifNoneMatch: "*" } }, { ...copy, precondition: { ifNoneMatch: "*" } }),
    ).toEqual(["ok", "precondition_failed"]);
  });

  it("demands the larger of the request's and the namespace's minimum of copies, counting each node once", () => {
    const catalog = catalogWith(3);
    tell(catalog, setNamespaceOf(NAMESPACE, 2));
    expect(tell(catalog, putOf("a", "x", { placedOn: [nodeId(1), nodeId(1)] }))).toEqual(["too_few_copies"]);
    expect(tell(catalog, putOf("a", "x", { placedOn: [nodeId(1), nodeId(2)] }))).toEqual(["ok"]);
    expect(tell(catalog, putOf("a", "x", { placedOn: [nodeId(1), nodeId(2)], minCopies: 3 }))).toEqual([
      "too_few_copies",
    ]);
  });

  it("makes a debt for every node that owes and does not have the blob, and clears the debts of those that have it", () => {
    const catalog = catalogWith(3);
    tell(
      catalog,
      setNodeOf(3, { state: "readonly" }),
      setNodeOf(4, { state: "draining" }),
      setNodeOf(5, { state: "dead" }),
    );
    const [outcome] = catalog.commit([putOf("a", "x")]);
    expect(doneOf(outcome)).toMatchObject({ copies: 1, holders: 3, owing: [nodeId(2), nodeId(3)] });
    const debt = { namespace: NAMESPACE, digest: digestOf("x"), sizeBytes: 1, copies: 1, number: catalog.head.number };
    expect([...catalog.debts.values()]).toEqual([
      { node: nodeId(2), ...debt },
      { node: nodeId(3), ...debt },
    ]);
    tell(catalog, putOf("b", "x", { placedOn: [nodeId(2)] }));
    expect([...catalog.debts.values()].map((one) => one.node).sort()).toEqual([nodeId(1), nodeId(3)]);
  });

  it("makes no debts for a copy or rename, but for nodes that are still being backfilled", () => {
    const catalog = catalogWith(2);
    tell(catalog, putOf("a", "x", { placedOn: [nodeId(1), nodeId(2)] }));
    tell(catalog, { kind: "copy", namespace: NAMESPACE, from: a, to: b });
    expect(catalog.debts.size).toBe(0);
    tell(catalog, setNodeOf(3));
    const [outcome] = catalog.commit([{ kind: "rename", namespace: NAMESPACE, from: b, to: parseFileKey("c") }]);
    expect(doneOf(outcome)).toMatchObject({ owing: [nodeId(3)], content: { digest: digestOf("x") } });
    expect([...catalog.debts.values()].map((one) => one.node)).toEqual([nodeId(3)]);
  });

  it("starts the first nodes complete, a later one at the beginning, and keeps its place when it is set again", () => {
    const catalog = catalogWith(1);
    expect(catalog.nodes.get(nodeId(1))).toMatchObject({ joinedAt: 2, backfillPosition: 2 });
    tell(catalog, putOf("a"), setNodeOf(2));
    expect(catalog.nodes.get(nodeId(2))).toMatchObject({ joinedAt: 4, backfillPosition: 0 });
    tell(catalog, setNodeOf(2, { url: "http://other", state: "draining" }));
    expect(catalog.nodes.get(nodeId(2))).toMatchObject({ joinedAt: 4, backfillPosition: 0, url: "http://other" });
  });

  it("refuses a node name that another node has, and lets a node keep its own", () => {
    const catalog = catalogWith(2);
    expect(tell(catalog, setNodeOf(2, { name: parseNodeName("node-1") }), setNodeOf(1))).toEqual([
      "node_name_taken",
      "ok",
    ]);
    expect(
      tell(catalog, setNodeOf(1, { name: parseNodeName("x") }), setNodeOf(2, { name: parseNodeName("node-1") })),
    ).toEqual(["ok", "ok"]);
  });

  it("drops only an empty namespace, and lets its name be used again", () => {
    const catalog = catalogWith(1);
    const drop = { kind: "drop-namespace", namespace: NAMESPACE } as const;
    tell(catalog, putOf("a"));
    expect(tell(catalog, drop, deleteOf("a"), drop, putOf("a"), setNamespaceOf(), putOf("a"))).toEqual([
      ...["namespace_not_empty", "ok", "ok", "namespace_not_found", "ok", "ok"],
    ]);
    expect(catalog.namespaces.get(NAMESPACE)).toMatchObject({ files: 1, bytes: 1n });
  });

  it("answers a repeated idempotency key with the first outcome, in the same group and in a later one", () => {
    const catalog = catalogWith(1);
    const idempotency = { key: "i1", fingerprint: "f" };
    const put = putOf("a", "one", { idempotency });
    const [first, second] = catalog.commit([put, { ...put, content: { ...put.content, digest: digestOf("other") } }]);
    const [third] = catalog.commit([put]);
    expect(doneOf(second)).toEqual({ ...doneOf(first), replayed: true });
    expect(doneOf(third)).toEqual({ ...doneOf(first), replayed: true });
    expect(catalog.head.number).toBe(doneOf(first).version);
    expect(tell(catalog, { ...put, idempotency: { key: "i1", fingerprint: "g" } })).toEqual(["idempotency_key_reused"]);
  });

  it("records no refusal under an idempotency key, so that it may be tried again", () => {
    const catalog = catalogWith(1);
    const idempotency = { key: "i1", fingerprint: "f" };
    expect(tell(catalog, deleteOf("a", { idempotency }), putOf("a"), deleteOf("a", { idempotency }))).toEqual([
      "not_found",
      "ok",
      "ok",
    ]);
  });

  it("refuses alone what a database could not keep", () => {
    const catalog = catalogWith(1);
    const content = putOf("a").content;
    const bad: Change[] = [
      putOf("a", "x", { content: { ...content, sizeBytes: 2 ** 53 } }),
      putOf("a", "x", { content: { ...content, sizeBytes: -1 } }),
      putOf("a", "x", { content: { ...content, contentType: "a\0b" } }),
      putOf("a", "x", { content: { ...content, metadata: { a: "\uD800" } } }),
      putOf("a", "x", { content: { ...content, metadata: { a: "x".repeat(100_000) } } }),
      putOf("a", "x", { idempotency: { key: "k".repeat(300), fingerprint: "f" } }),
      setNamespaceOf(NAMESPACE, 0),
      setNodeOf(1, { zone: "\0" }),
    ];
    expect(tell(catalog, ...bad, putOf("good"))).toEqual([
      ...["too_large", "invalid_request", "invalid_request", "invalid_metadata", "invalid_metadata"],
      ...["invalid_request", "invalid_request", "invalid_request", "ok"],
    ]);
  });

  it("refuses a rename of a file to its own key", () => {
    const catalog = catalogWith(1);
    expect(tell(catalog, putOf("a"), { kind: "rename", namespace: NAMESPACE, from: a, to: a })).toEqual([
      "ok",
      "invalid_request",
    ]);
  });

  it("never lets time run backwards along the numbers", () => {
    const view: CommitView = { ...createEmptyView(), nowMs: 1000, head: { number: 5, hash: "h", timeMs: 2000 } };
    const plan = decideCommit(view, "g", [setNamespaceOf()]);
    expect(plan.group?.timeMs).toBe(2000);
    expect(doneOf(plan.outcomes[0]).modified.getTime()).toBe(2000);
  });
});
