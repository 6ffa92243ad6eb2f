import type {
  BatchOperation,
  BatchReply,
  ListReply,
  NamespaceInfo,
  NodeListReply,
  StatusReply,
} from "@koboldfs/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

const JSON_TYPE = { "content-type": "application/json" };

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer({ peers: ["anna"] });
});
afterAll(() => test.close());

async function fill(namespace: string, ...keys: readonly string[]): Promise<void> {
  await send(test.port, { method: "PUT", path: `/v1/namespaces/${namespace}` });
  for (const key of keys) {
    await send(test.port, { method: "PUT", path: `/v1/files/${namespace}/${encodeURIComponent(key)}`, body: key });
  }
}

async function list(namespace: string, query = ""): Promise<ListReply> {
  return (await send(test.port, { path: `/v1/files/${namespace}${query}` })).json<ListReply>();
}

const keysOf = ({ files }: ListReply) => files.map(({ key }) => key);

describe("a listing", () => {
  beforeAll(() => fill("listing", "a/1", "a/2", "b", "c/x/1", "é", "a b+"));

  it("is in the order of the keys' bytes", async () => {
    expect(keysOf(await list("listing"))).toEqual(["a b+", "a/1", "a/2", "b", "c/x/1", "é"]);
  });

  it("goes page by page", async () => {
    const pages = [];
    let after = "";
    do {
      const page = await list("listing", `?limit=4&after=${encodeURIComponent(after)}`);
      pages.push(keysOf(page));
      after = page.next ?? "";
    } while (after !== "");
    expect(pages).toEqual([
      ["a b+", "a/1", "a/2", "b"],
      ["c/x/1", "é"],
    ]);
  });

  it("takes prefixes and folds at delimiters", async () => {
    expect(keysOf(await list("listing", "?prefix=a%2F"))).toEqual(["a/1", "a/2"]);
    expect(keysOf(await list("listing", "?prefix=a+b%2B"))).toEqual(["a b+"]);
    const folded = await list("listing", "?delimiter=/");
    expect([keysOf(folded), folded.prefixes]).toEqual([
      ["a b+", "b", "é"],
      ["a/", "c/"],
    ]);
  });

  it("of an empty namespace is empty, and of none is refused", async () => {
    await fill("empty");
    expect(await list("empty")).toEqual({ files: [], prefixes: [] });
    expect((await send(test.port, { path: "/v1/files/nowhere" })).problem).toEqual([404, "namespace_not_found"]);
    expect((await send(test.port, { path: "/v1/files/NoWhere" })).problem).toEqual([400, "invalid_namespace"]);
    expect((await send(test.port, { path: "/v1/files/empty?limit=0" })).problem).toEqual([400, "invalid_request"]);
    expect((await send(test.port, { path: "/v1/files/empty?prefix=%ff" })).problem).toEqual([400, "invalid_request"]);
  });
});

describe("a batch", () => {
  function batch(namespace: string, operations: readonly (BatchOperation | object)[], headers = {}) {
    const body = JSON.stringify({ operations });
    return send(test.port, {
      method: "POST",
      path: `/v1/files/${namespace}`,
      headers: { ...JSON_TYPE, ...headers },
      body,
    });
  }
  const outcomes = ({ results }: BatchReply) => results.map((result) => (result.ok ? "ok" : result.error.code));

  it("deletes, copies and renames, and refuses a bad operation alone", async () => {
    await fill("batch", "one", "two", "three");
    const reply = await batch("batch", [
      { op: "copy", from: "one", to: "copied" },
      { op: "rename", from: "two", to: "renamed" },
      { op: "delete", key: "three" },
      { op: "delete", key: "missing" },
      { op: "delete", key: "" },
      { op: "copy", from: "one", to: "renamed", ifNoneMatch: "*" },
      { op: "delete", key: "one", ifMatch: "0".repeat(64) },
    ]);
    const expected = ["ok", "ok", "ok", "not_found", "invalid_key", "precondition_failed", "precondition_failed"];
    expect(outcomes(reply.json<BatchReply>())).toEqual(expected);
    expect(keysOf(await list("batch"))).toEqual(["copied", "one", "renamed"]);
    expect((await send(test.port, { path: "/v1/files/batch/copied" })).text).toBe("one");
    expect((await send(test.port, { path: "/v1/files/batch/renamed" })).text).toBe("two");
  });

  it("takes digests, entity tags and a star as ifMatch", async () => {
    await fill("matching", "a", "b", "c", "d");
    const [a, b] = (await list("matching")).files;
    const reply = await batch("matching", [
      { op: "delete", key: "a", ifMatch: a!.digest },
      { op: "rename", from: "b", to: "e", ifMatch: `"${b!.digest}"` },
      { op: "copy", from: "c", to: "f", ifMatch: "*" },
      { op: "delete", key: "d", ifMatch: "nonsense" },
    ]);
    expect(outcomes(reply.json<BatchReply>())).toEqual(["ok", "ok", "ok", "invalid_request"]);
  });

  it("with an idempotency key is done once", async () => {
    await fill("repeated", "a");
    const rename = [{ op: "rename", from: "a", to: "b" }];
    const headers = { "idempotency-key": '"batch-1"' };
    const first = (await batch("repeated", rename, headers)).json();
    expect((await batch("repeated", rename, headers)).json()).toEqual(first);
    const other = await batch("repeated", [{ op: "delete", key: "b" }], headers);
    expect(outcomes(other.json<BatchReply>())).toEqual(["idempotency_key_reused"]);
  });

  it.each([
    ["no operation", []],
    ["more than 1,000", Array.from({ length: 1001 }, () => ({ op: "delete", key: "a" }))],
    ["an unknown one", [{ op: "destroy", key: "a" }]],
    ["one without a key", [{ op: "delete" }]],
    ["one with more than it takes", [{ op: "delete", key: "a", to: "b" }]],
    ["a key that is no text", [{ op: "delete", key: 1 }]],
  ])("of %s is refused whole", async (_, operations) => {
    await fill("shaped");
    expect((await batch("shaped", operations)).problem).toEqual([400, "invalid_request"]);
  });

  it("in a namespace that does not exist is refused whole", async () => {
    expect((await batch("nowhere", [{ op: "delete", key: "a" }])).problem).toEqual([404, "namespace_not_found"]);
  });
});

describe("namespaces", () => {
  const put = (name: string, body?: string) =>
    send(test.port, {
      method: "PUT",
      path: `/v1/namespaces/${name}`,
      ...(body !== undefined && { body, headers: JSON_TYPE }),
    });

  it("are made, changed, counted, listed and dropped", async () => {
    expect((await put("life")).json()).toMatchObject({ name: "life", files: 0, bytes: "0", minCopies: 1 });
    const template = "https://cdn.example/{path}";
    const changed = await put("life", JSON.stringify({ minCopies: 2, urlTemplate: template }));
    expect(changed.json()).toMatchObject({ minCopies: 2, urlTemplate: template });
    await send(test.port, { method: "PUT", path: "/v1/files/life/a", body: "12345" });
    const got = await send(test.port, { path: "/v1/namespaces/life" });
    expect(got.json()).toMatchObject({ name: "life", files: 1, bytes: "5" });
    const all = await send(test.port, { path: "/v1/namespaces" });
    expect(all.json<{ namespaces: NamespaceInfo[] }>().namespaces).toContainEqual(got.json());
    const drop = () => send(test.port, { method: "DELETE", path: "/v1/namespaces/life" });
    expect((await drop()).problem).toEqual([409, "namespace_not_empty"]);
    await send(test.port, { method: "DELETE", path: "/v1/files/life/a" });
    expect((await drop()).status).toBe(204);
    expect((await drop()).problem).toEqual([404, "namespace_not_found"]);
    expect((await send(test.port, { path: "/v1/namespaces/life" })).problem).toEqual([404, "namespace_not_found"]);
  });

  it("are dropped once under an idempotency key, also when a new one has the name by then", async () => {
    const headers = { "idempotency-key": "drop-once" };
    const drop = () => send(test.port, { method: "DELETE", path: "/v1/namespaces/once", headers });
    await put("once");
    expect((await drop()).status).toBe(204);
    expect((await drop()).status).toBe(204);
    await put("once");
    expect((await drop()).status).toBe(204);
    expect((await send(test.port, { path: "/v1/namespaces/once" })).status).toBe(200);
    const other = await send(test.port, { method: "DELETE", path: "/v1/namespaces/demo", headers });
    expect(other.problem).toEqual([422, "idempotency_key_reused"]);
  });

  it.each(["A", "-a", "a..b", "a%2Fb", "x".repeat(64), "%2e%2e"])("named %s are refused", async (name) => {
    expect((await put(name)).problem).toEqual([400, "invalid_namespace"]);
  });

  it.each(['{"minCopies":0}', '{"minCopies":1.5}', '{"urlTemplate":""}', "[]", "1"])(
    "with the policy %s are refused",
    async (body) => {
      expect((await put("policy", body)).problem).toEqual([400, "invalid_request"]);
    },
  );
});

describe("nodes and status", () => {
  it("tell who is there, and who owes what", async () => {
    await fill("owed");
    test.stores["anna"]!.beforeWrite = () => Promise.reject(new Error("a fault of the test"));
    await send(test.port, { method: "PUT", path: "/v1/files/owed/a", body: "nobody else has these 31 bytes." });
    const { nodes } = (await send(test.port, { path: "/v1/nodes" })).json<NodeListReply>();
    expect(nodes.map(({ name, state, debtFiles, debtBytes }) => [name, state, debtFiles, debtBytes])).toEqual([
      ["anna", "alive", 1, "31"],
      ["self", "alive", 0, "0"],
    ]);
    const status = (await send(test.port, { path: "/v1/status" })).json<StatusReply>();
    expect(status).toMatchObject({ cluster: test.catalog.clusterId, node: "self", catalog: "sqlite" });
    expect([status.head > 0, status.nodes.length, status.namespaces.length > 0]).toEqual([true, 2, true]);
  });
});
