import type { NodeName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { beginOf, finishOf, putOf, stageOf } from "../model/test-changes.js";
import { NodeService } from "./node-service.js";
import { openTestFiles, type TestFiles } from "./test-files.js";

const [SELF, B, C] = ["self", "b", "c"] as NodeName[] as [NodeName, NodeName, NodeName];

describe("orders for a node", () => {
  let test: TestFiles;
  let nodes: NodeService;

  beforeEach(async () => {
    test = await openTestFiles({ peers: ["b", "c"] });
    nodes = new NodeService(test.catalog, test.cluster);
  });
  afterEach(() => test.close());

  async function putOn(text: string, ...names: string[]): Promise<void> {
    await test.catalog.commit(putOf(text, text, { placedOn: names.map(test.idOf) }));
  }

  async function settleAll(...names: string[]): Promise<void> {
    for (const name of names) await test.catalog.settleDebts(await test.catalog.listDebts(test.idOf(name), 100));
  }

  async function stateOf(name: string) {
    return (await test.catalog.listNodes()).find((node) => node.name === name)?.state;
  }

  it("have a plan: what others owe that it has, and what it alone has", async () => {
    await putOn("everywhere", "self", "b", "c");
    await putOn("xx", "self", "b");
    await putOn("y", "self");
    await putOn("zzz", "c");
    expect(await nodes.getPlan(SELF)).toEqual({
      ...{ node: "self", state: "alive", order: "alive", holders: ["b", "c"], filling: [] },
      ...{ owedFiles: 2, owedBytes: "3", onlyHereFiles: 1, onlyHereBytes: "1", isDispensable: false },
      ...{ stagedFiles: 0, stagedBytes: "0" },
    });
    expect(await nodes.listSoleBlobs(SELF)).toMatchObject([{ namespace: "demo", size: 1 }]);
    await settleAll("b", "c");
    expect(await nodes.getPlan(SELF)).toMatchObject({ owedFiles: 0, onlyHereFiles: 0, isDispensable: true });
    // Of what it lacks itself the others may owe as much as they like.
    expect(await nodes.getPlan(C)).toMatchObject({ owedFiles: 1, isDispensable: false });
  });

  it("keep a node while something is staged on it, and do not give it up while it alone has that", async () => {
    await test.catalog.commit(beginOf(1));
    const on = (...names: string[]) => ({ placedOn: names.map(test.idOf) });
    await test.catalog.commit(stageOf(1, putOf("a", "two", on("self", "b"))));
    expect(await nodes.getPlan(B)).toMatchObject({ stagedFiles: 1, stagedBytes: "3", isDispensable: false });
    await test.catalog.commit(stageOf(1, putOf("b", "alone", on("b"))));
    await expect(nodes.order(B, { order: "dead", force: false })).rejects.toMatchObject({ code: "sole_copies" });
    await test.catalog.commit(finishOf("abort", 1));
    expect(await nodes.getPlan(B)).toMatchObject({ stagedFiles: 0, isDispensable: true });
  });

  it("keep a node while a prepared transaction waits, and do not give it up before others have what is staged", async () => {
    await test.catalog.commitAll([beginOf(1), stageOf(1, putOf("a", "alone", { placedOn: [test.idOf("b")] }))]);
    await test.catalog.commit(finishOf("prepare", 1));
    expect(await nodes.getPlan(B)).toMatchObject({
      owedFiles: 1,
      onlyHereFiles: 1,
      stagedFiles: 1,
      isDispensable: false,
    });
    expect(await nodes.listSoleBlobs(B)).toMatchObject([{ namespace: "demo", size: 5 }]);
    await nodes.order(B, { order: "draining", force: false });
    await expect(nodes.order(B, { order: "dead", force: false })).rejects.toMatchObject({ code: "sole_copies" });
    expect(await stateOf("b")).toBe("draining");
    await settleAll("self", "c");
    // All others have it, and still the drain waits for the coordinator.
    expect(await nodes.getPlan(B)).toMatchObject({ owedFiles: 0, stagedFiles: 1, isDispensable: false });
    await test.catalog.commit(finishOf("commit", 1));
    expect(await nodes.getPlan(B)).toMatchObject({ owedFiles: 1, stagedFiles: 0, isDispensable: false });
    await settleAll("self", "c");
    expect(await nodes.getPlan(B)).toMatchObject({ owedFiles: 0, isDispensable: true });
    await nodes.order(B, { order: "dead", force: false });
    expect(await stateOf("b")).toBe("dead");
  });

  it("count what is owed of a prepared transaction when one of its nodes is dead already", async () => {
    const placedOn = ["self", "b"].map(test.idOf);
    await test.catalog.commitAll([beginOf(1), stageOf(1, putOf("a", "two", { placedOn }))]);
    await test.catalog.commit(finishOf("prepare", 1));
    await nodes.order(B, { order: "dead", force: false });
    await expect(nodes.order(SELF, { order: "dead", force: false })).rejects.toMatchObject({ code: "sole_copies" });
    await settleAll("c");
    await nodes.order(SELF, { order: "dead", force: false });
    const { owing } = (await test.catalog.commit(finishOf("commit", 1))) as { owing: readonly string[] };
    expect(owing).toEqual([test.idOf("c")]);
  });

  it("end a drain only when the nodes that go on are filled too", async () => {
    await putOn("x", "self", "b", "c");
    const { id: _, ...late } = { id: 0, name: "d" as NodeName, url: "http://d", zone: "", volumes: [] };
    await test.catalog.commit({ kind: "set-node", node: { ...late, id: "dddddddddddddddd" as never } });
    await nodes.order(B, { order: "draining", force: false });
    expect(await nodes.getPlan(B)).toMatchObject({ filling: ["d"], owedFiles: 0, isDispensable: false });
    await test.catalog.setBackfillPosition("dddddddddddddddd" as never, 1_000);
    expect(await nodes.getPlan(B)).toMatchObject({ order: "draining", isDispensable: true });
  });

  it("refuse a death with which files would be lost, unless it is forced", async () => {
    await putOn("x", "b");
    await expect(nodes.order(B, { order: "dead", force: false })).rejects.toMatchObject({ code: "sole_copies" });
    expect(await stateOf("b")).toBe("alive");
    await nodes.order(B, { order: "dead", force: true });
    expect(await stateOf("b")).toBe("dead");
    await expect(nodes.order(B, { order: "alive", force: true })).rejects.toMatchObject({ code: "node_dead" });
  });

  it("take every file for the node's own while all others are filled", async () => {
    await nodes.order(B, { order: "draining", force: false });
    await nodes.order(C, { order: "draining", force: false });
    await putOn("x", "self");
    await nodes.order(C, { order: "alive", force: false });
    expect(await nodes.getPlan(SELF)).toMatchObject({ filling: ["c"], onlyHereFiles: 1 });
    await expect(nodes.order(SELF, { order: "dead", force: false })).rejects.toMatchObject({ code: "sole_copies" });
  });

  it("refill a node that is down, as itself and without its volumes, and no node that runs", async () => {
    await putOn("x", "self", "b", "c");
    await expect(nodes.refill(SELF)).rejects.toMatchObject({ code: "node_running" });
    test.cluster.setSelf({ state: "down" });
    await nodes.refill(SELF);
    const node = (await test.catalog.listNodes()).find(({ name }) => name === "self");
    expect(node).toMatchObject({ volumes: [], state: "alive", backfillPosition: 0 });
    expect(node?.joinedAt).toBe((await test.catalog.head()).number);
  });

  it("know no node that there is not", async () => {
    const nobody = "nobody" as NodeName;
    for (const asking of [nodes.getPlan(nobody), nodes.listSoleBlobs(nobody), nodes.refill(nobody)]) {
      await expect(asking).rejects.toMatchObject({ code: "node_not_found" });
    }
  });
});
