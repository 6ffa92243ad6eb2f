import type { ScrubReply } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ScriptedUpkeep } from "../cluster/test-upkeep.js";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

describe("the scrub over HTTP", () => {
  let test: TestServer;
  let theirs: ScriptedUpkeep;

  beforeEach(async () => {
    test = await startTestServer({ peers: ["b", "c"] });
    theirs = new ScriptedUpkeep();
    const b = test.cluster.nodes().find(({ name }) => name === "b");
    // Node c is known and does not answer.
    test.cluster.upkeeps = b === undefined ? [] : [{ node: b, upkeep: theirs }];
  });
  afterEach(() => test.close());

  const order = (body: object) => {
    const headers = { "content-type": "application/json" };
    return send(test.port, { method: "POST", path: "/v1/scrub", headers, body: JSON.stringify(body) });
  };

  it("is ordered of every node that answers, and told of each", async () => {
    const failing = order({ repairs: true });
    expect((await failing).status).toBe(200);
    expect([test.upkeep.orders, theirs.orders]).toEqual([[{ repairs: true }], [{ repairs: true }]]);
    const { nodes } = (await send(test.port, { path: "/v1/scrub" })).json<ScrubReply>();
    expect(nodes.map(({ node, scrub }) => [node, scrub?.proven])).toEqual([
      ["self", 1],
      ["b", 1],
      ["c", undefined],
    ]);
  });

  it("is ordered of one node by its name", async () => {
    const { nodes } = (await order({ node: "b", repairs: false })).json<ScrubReply>();
    expect(nodes.map(({ node }) => node)).toEqual(["b"]);
    expect([test.upkeep.orders, theirs.orders]).toEqual([[], [{ repairs: false }]]);
  });

  it("is refused of a node that is not there, or does not answer", async () => {
    expect((await order({ node: "nobody", repairs: true })).json()).toMatchObject({ code: "node_not_found" });
    expect((await order({ node: "c", repairs: true })).json()).toMatchObject({ code: "peer_failed" });
    expect((await order({ node: "No Name", repairs: true })).json()).toMatchObject({ code: "invalid_node_name" });
    expect((await order({ node: "b" })).json()).toMatchObject({ code: "invalid_request" });
    theirs.failure = new Error("planted");
    expect((await order({ node: "b", repairs: true })).status).toBeGreaterThanOrEqual(500);
    expect((await order({ repairs: true })).status).toBe(200);
  });
});
