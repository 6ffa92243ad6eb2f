import { HEADER } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { Client } from "./index.js";
import { type Answer, type ArrivedRequest, ScriptedServer, sendJson, sendProblem } from "./testing/scripted-server.js";

const NODE = {
  id: "0123456789abcdef",
  name: "n1",
  url: "http://10.0.0.1:9876",
  state: "alive",
  zone: "a",
  heartbeatAgeMs: 5,
  freeBytes: 10,
  totalBytes: 20,
  debtFiles: 0,
  debtBytes: "0",
  backfill: 1,
};
const NAMESPACE = { name: "demo", files: 1, bytes: "11", created: "2026-01-31T12:00:00.000Z", minCopies: 1 };
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(answer: Answer, token?: string): Promise<{ client: Client; requests: ArrivedRequest[] }> {
  const server = await ScriptedServer.start(answer);
  const client = new Client("demo", {
    servers: [server.url],
    deadlineMs: 2_000,
    ...(token !== undefined && { token }),
  });
  cleanups.push(
    () => server.kill(),
    () => client.close(),
  );
  return { client, requests: server.requests };
}

describe("a client", () => {
  it("sends its token with every request", async () => {
    const { client, requests } = await connect(
      (_request, response) => sendJson(response, 200, { nodes: [NODE] }),
      "secret",
    );
    expect(await client.nodes()).toEqual([NODE]);
    expect(requests[0]?.headers.authorization).toBe("Bearer secret");
  });

  it("refuses namespaces and servers that cannot be", () => {
    expect(() => new Client("No Such", { servers: ["http://a"] })).toThrow("not a namespace name");
    expect(() => new Client("demo", { servers: [] })).toThrow("at least one server");
    expect(() => new Client("demo", { servers: ["ftp://a"] })).toThrow("not a server's URL");
  });

  it("answers true or false to delete, and repeats nothing that was refused", async () => {
    const { client, requests } = await connect((request, response) => {
      if (request.url.endsWith("/there")) response.writeHead(204).end();
      else sendProblem(response, 404, "not_found", false);
    });
    expect(await client.delete("there")).toBe(true);
    expect(await client.delete("gone", { ifMatch: "0".repeat(64) })).toBe(false);
    expect(requests).toHaveLength(2);
    expect(requests[1]?.headers["if-match"]).toBe(`"${"0".repeat(64)}"`);
  });

  it("copies and renames by a batch of one, and throws what the server refused", async () => {
    const { client, requests } = await connect((request, response) => {
      const { operations } = JSON.parse(request.body.toString()) as { operations: { op: string }[] };
      const refused = { ok: false, error: { code: "not_found", detail: "there is no a" } };
      sendJson(response, 200, {
        results: operations.map(({ op }) => (op === "copy" ? { ok: true, version: 9 } : refused)),
      });
    });
    expect(await client.copy("a", "b", { ifNoneMatch: "*" })).toEqual({ version: 9 });
    await expect(client.rename("a", "b")).rejects.toMatchObject({ code: "not_found", message: "there is no a" });
    expect(JSON.parse(requests[0]?.body.toString() ?? "")).toEqual({
      operations: [{ op: "copy", from: "a", to: "b", ifNoneMatch: "*" }],
    });
    expect(requests[0]?.headers[HEADER.idempotencyKey]).toMatch(/^[\x21-\x7e]{1,128}$/);
  });

  it("deletes many keys a thousand at a time, and counts those that were there", async () => {
    const { client, requests } = await connect((request, response) => {
      const { operations } = JSON.parse(request.body.toString()) as { operations: unknown[] };
      const absent = { ok: false, error: { code: "not_found", detail: "" } };
      sendJson(response, 200, {
        results: operations.map((_, index) => (index === 0 ? absent : { ok: true, version: 1 })),
      });
    });
    const keys = Array.from({ length: 2_500 }, (_, index) => `key-${index}`);
    expect(await client.deleteMany(keys)).toBe(2_497);
    expect(requests).toHaveLength(3);
  });

  it("lists page by page with what it was asked for, encoded", async () => {
    const file = {
      key: "a b/1",
      digest: "0".repeat(64),
      size: 1,
      version: 1,
      contentType: "x",
      metadata: {},
      modified: "",
    };
    const { client, requests } = await connect((request, response) => {
      const last = request.url.includes("after=");
      sendJson(response, 200, { files: [file], prefixes: ["a b/c/"], ...(!last && { next: "a b/c/" }) });
    });
    const entries = [];
    for await (const entry of client.list({ prefix: "a b/", delimiter: "/", pageSize: 2 })) entries.push(entry);
    expect(entries).toEqual([file, { prefix: "a b/c/" }, file, { prefix: "a b/c/" }]);
    expect(requests.map(({ url }) => url)).toEqual([
      "/v1/files/demo?limit=2&prefix=a%20b%2F&delimiter=%2F",
      "/v1/files/demo?limit=2&prefix=a%20b%2F&delimiter=%2F&after=a%20b%2Fc%2F",
    ]);
  });

  it("creates, shows and drops its namespace", async () => {
    const { client, requests } = await connect((request, response) => {
      if (request.method === "DELETE") response.writeHead(204).end();
      else sendJson(response, 200, NAMESPACE);
    });
    expect(await client.createNamespace({ minCopies: 2 })).toEqual(NAMESPACE);
    expect(await client.getNamespace()).toEqual(NAMESPACE);
    await client.dropNamespace();
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "PUT /v1/namespaces/demo",
      "GET /v1/namespaces/demo",
      "DELETE /v1/namespaces/demo",
    ]);
  });

  it("knows the code of an answer to HEAD from its header", async () => {
    const { client } = await connect((_request, response) => {
      response.writeHead(404, { [HEADER.errorCode]: "namespace_not_found" }).end();
    });
    await expect(client.stat("a")).rejects.toMatchObject({ code: "namespace_not_found" });
  });
});

describe("getUrl", () => {
  it("asks a server for the URL, and for how long and where it shall be good", async () => {
    const { client, requests } = await connect((_request, response) => sendJson(response, 200, { url: "http://a/b" }));
    expect(await client.getUrl("a/b c")).toBe("http://a/b");
    expect(await client.getUrl("a", { ttlSeconds: 60, zone: "cellar" })).toBe("http://a/b");
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /v1/files/demo/a/b%20c?url",
      "GET /v1/files/demo/a?url&ttl=60&zone=cellar",
    ]);
  });

  it("is undefined without a template, without the key, and without a node that has the bytes", async () => {
    for (const code of ["not_found", "no_direct_url"] as const) {
      const { client } = await connect((_request, response) => sendProblem(response, 404, code, false));
      expect(await client.getUrl("a")).toBeUndefined();
    }
    const { client } = await connect((_request, response) => sendProblem(response, 404, "namespace_not_found", false));
    await expect(client.getUrl("a")).rejects.toMatchObject({ code: "namespace_not_found" });
  });
});
