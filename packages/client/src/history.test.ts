import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "./index.js";
import { type Answer, ScriptedServer, sendFile, sendJson, sendProblem } from "./testing/scripted-server.js";

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await ScriptedServer.start((_request, response) => sendProblem(response, 500, "internal", false));
  client = new Client("demo", { servers: [server.url] });
});
afterEach(async () => {
  await client.close();
  await server.kill();
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const DIGEST = "a".repeat(64);
const versionOf = (version: number) => ({
  version,
  modified: "2026-01-31T12:00:00.000Z",
  deleted: false,
  digest: DIGEST,
  size: 1,
});
const urls = () => server.requests.map(({ method, url }) => `${method} ${url}`);
const bodies = () => server.requests.map(({ body }) => JSON.parse(body.toString()) as unknown);

/** Answers requests in their order. */
function answer(...documents: readonly object[]): void {
  const left = [...documents];
  server.answer = (_request, response) => sendJson(response, 200, left.shift() ?? {});
}

describe("the history of a key", () => {
  it("lists versions page by page, only as far as they are asked for", async () => {
    answer({ key: "a b", versions: [versionOf(9), versionOf(7)], next: 7 }, { key: "a b", versions: [versionOf(3)] });
    expect((await collect(client.versions("a b"))).map(({ version }) => version)).toEqual([9, 7, 3]);
    expect(urls()).toEqual([
      "GET /v1/files/demo/a%20b?versions&limit=1000",
      "GET /v1/files/demo/a%20b?versions&limit=1000&before=7",
    ]);
    answer({ key: "a", versions: [versionOf(9)], next: 7 });
    for await (const { version } of client.versions("a")) {
      expect(version).toBe(9);
      break;
    }
    expect(server.requests).toHaveLength(3);
  });

  it("lists what was deleted, with prefix and pages", async () => {
    const file = (key: string) => ({
      key,
      ...versionOf(1),
      deleted: "2026-01-31T13:00:00.000Z",
      contentType: "",
      metadata: {},
    });
    answer({ files: [file("p/a")], next: "p/a" }, { files: [file("p/b")] });
    expect((await collect(client.listDeleted({ prefix: "p/", pageSize: 1 }))).map(({ key }) => key)).toEqual([
      "p/a",
      "p/b",
    ]);
    expect(urls()).toEqual([
      "GET /v1/files/demo?deleted&limit=1&prefix=p%2F&after=",
      "GET /v1/files/demo?deleted&limit=1&prefix=p%2F&after=p%2Fa",
    ]);
  });

  it("brings content back with one operation each, under one idempotency key for all attempts", async () => {
    const replies: Answer[] = [
      (_request, response) => sendProblem(response, 503, "catalog_unavailable", true),
      (_request, response) => sendJson(response, 200, { results: [{ ok: true, version: 12 }] }),
    ];
    server.answer = (request, response, raw) =>
      replies[Math.min(server.requests.length, 2) - 1]!(request, response, raw);
    expect(await client.undelete("k")).toEqual({ version: 12 });
    expect(await client.restore("k", 7)).toEqual({ version: 12 });
    expect(bodies()).toEqual([
      { operations: [{ op: "undelete", key: "k" }] },
      { operations: [{ op: "undelete", key: "k" }] },
      { operations: [{ op: "restore", key: "k", version: 7 }] },
    ]);
    const keys = server.requests.map(({ headers }) => headers["idempotency-key"]);
    expect([keys[0] === keys[1], keys[0] === keys[2]]).toEqual([true, false]);
  });

  it("throws the code with which an operation was refused", async () => {
    const error = {
      code: "not_deleted",
      detail: "k is there",
      title: "",
      type: "",
      status: 409,
      hint: "",
      retryable: false,
    };
    answer({ results: [{ ok: false, error }] });
    await expect(client.undelete("k")).rejects.toMatchObject({ code: "not_deleted" });
  });

  it("restores a prefix and purges at their own addresses", async () => {
    answer({ version: 5, restored: 2, removed: 1 }, { purged: 1, pending: ["b"] }, { purged: 3, pending: [] });
    expect(await client.restorePrefix("p/", "4")).toEqual({ version: 5, restored: 2, removed: 1 });
    expect(await client.purge("k", { version: 2 })).toEqual({ purged: 1, pending: ["b"] });
    expect(await client.purge("k")).toEqual({ purged: 3, pending: [] });
    expect(urls()).toEqual(["POST /v1/restores/demo", "POST /v1/purges/demo", "POST /v1/purges/demo"]);
    expect(bodies()).toEqual([{ prefix: "p/", asOf: "4" }, { key: "k", version: 2 }, { key: "k" }]);
    expect(server.requests[0]?.headers["idempotency-key"]).toBeDefined();
  });

  it("reads a version or a moment where the current file is read otherwise", async () => {
    server.answer = (request, response) => sendFile(request, response, Buffer.from("then"));
    await client.getBytes("k", { version: 3 });
    await client.stat("k", { asOf: "2026-01-31T12:00:00+01:00" });
    await client.getBytes("k", { asOf: "17" });
    expect(urls()).toEqual([
      "GET /v1/files/demo/k?version=3",
      "HEAD /v1/files/demo/k?as-of=2026-01-31T12%3A00%3A00%2B01%3A00",
      "GET /v1/files/demo/k?as-of=17",
    ]);
  });

  it("throws history_gone and what else the server says of the past", async () => {
    server.answer = (_request, response) => sendProblem(response, 410, "history_gone", false);
    for (const attempt of [
      client.getBytes("k", { asOf: "1" }),
      client.restorePrefix("", "1"),
      collect(client.list({ asOf: "1" })),
      collect(client.versions("k")),
    ]) {
      await expect(attempt).rejects.toMatchObject({ code: "history_gone" });
    }
  });

  it("takes no answer that lacks what it promised", async () => {
    answer({ key: "k", versions: [{ version: "9" }] }, { restored: 1 }, { purged: 1 });
    await expect(collect(client.versions("k", { deadlineMs: 0 }))).rejects.toMatchObject({ code: "invalid_response" });
    await expect(client.restorePrefix("", "1", { deadlineMs: 0 })).rejects.toMatchObject({ code: "invalid_response" });
    await expect(client.purge("k", { deadlineMs: 0 })).rejects.toMatchObject({ code: "invalid_response" });
  });
});
