import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { HEADER } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { Client, type ClientOptions } from "./index.js";
import {
  type Answer,
  ScriptedServer,
  sendFile,
  sendJson,
  sendProblem,
  sendPutReply,
} from "./testing/scripted-server.js";

const CONTENT = Buffer.from("the content");
const MIB = 1024 * 1024;
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(answer: Answer): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(answer);
  cleanups.push(() => server.kill());
  return server;
}

/** A server that is gone: its port refuses. */
async function startDead(): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(() => {});
  const { url } = server;
  await server.kill();
  return Object.defineProperty(server, "url", { value: url });
}

/** A server that takes connections and everything that is sent, and never answers. */
async function startBlackHole(): Promise<{ url: string; connections: number }> {
  const hole = { url: "", connections: 0 };
  const server: Server = createServer((socket) => {
    hole.connections += 1;
    socket.resume().on("error", () => {});
    cleanups.push(async () => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => void server.close(() => resolve())));
  hole.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hole;
}

function connect(servers: readonly { url: string }[], options: Partial<ClientOptions> = {}): Client {
  const client = new Client("demo", { servers: servers.map(({ url }) => url), deadlineMs: 5_000, ...options });
  cleanups.push(() => client.close());
  return client;
}

const serveAsOf: Answer = (request, response) => {
  response.setHeader(HEADER.asOf, "7, 2026-01-31T12:00:00.000Z");
  sendFile(request, response, CONTENT);
};
const store: Answer = (request, response) => sendPutReply(response, request.body);
const serve: Answer = (request, response) => sendFile(request, response, CONTENT);
const refuse = (code: string, status = 503, retryable = true): Answer => {
  return (_request, response) => sendProblem(response, status, code, retryable);
};

describe("a client with several servers", () => {
  it("takes what a server has in its mirror from that server, when it asks for no more than that", async () => {
    const near = await start(serveAsOf);
    const other = await start(serve);
    const client = connect([near, other]);
    const bytes = await client.getBytes("k", { consistency: "mirror" });
    expect(Buffer.from(bytes ?? []).equals(CONTENT)).toBe(true);
    expect([near.requests.map(({ url }) => url), other.requests.length]).toEqual([
      ["/v1/files/demo/k?consistency=mirror"],
      0,
    ]);
    const contradiction = async () => client.stat("k", { consistency: "mirror", version: 1 });
    await expect(contradiction).rejects.toMatchObject({ code: "invalid_request" });
  });

  it("goes on with the next when one is dead, and leaves the dead one alone afterwards", async () => {
    const living = await start(serve);
    const dead = await startDead();
    const client = connect([dead, living]);
    for (let request = 0; request < 5; request += 1) expect(await client.getBytes("a")).toBeDefined();
    expect(living.requests).toHaveLength(5);
  });

  it("goes on with the next when one takes requests and never answers, and asks that one only once", async () => {
    const hole = await startBlackHole();
    const living = await start(serve);
    const client = connect([hole, living], { responseTimeoutMs: 50 });
    for (let request = 0; request < 5; request += 1) expect(await client.getBytes("a")).toBeDefined();
    expect(hole.connections).toBe(1);
  });

  it("goes on with the next when one takes a stream and never answers", async () => {
    const hole = await startBlackHole();
    const living = await start(store);
    const client = connect([hole, living], { responseTimeoutMs: 50 });
    expect(await client.put("a", Readable.from(["a stream"]))).toMatchObject({ size: 8 });
  });

  it("asks every server once, though a silent one used up the deadline", async () => {
    const hole = await startBlackHole();
    const living = await start(serve);
    const client = connect([hole, living], { responseTimeoutMs: 100, deadlineMs: 20 });
    expect(await client.getBytes("a")).toBeDefined();
  });

  it("does not blame a server for a source that is slow to give", async () => {
    const only = await start(store);
    const client = connect([only], { responseTimeoutMs: 50 });
    async function* slow(): AsyncGenerator<string> {
      yield "slow ";
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield "source";
    }
    expect(await client.put("a", slow())).toMatchObject({ size: 11 });
    expect(only.requests).toHaveLength(1);
  });

  it("asks the next when one says that it may work elsewhere or later", async () => {
    for (const code of ["catalog_unavailable", "shutting_down", "overloaded", "blob_unavailable", "peer_failed"]) {
      const sick = await start(refuse(code));
      const well = await start(serve);
      expect(await connect([sick, well]).getBytes("a")).toBeDefined();
    }
  });

  it("tells a refusal that no other server would lift at once", async () => {
    const refusing = await start(refuse("forbidden", 403, false));
    const other = await start(serve);
    await expect(connect([refusing, other]).getBytes("a")).rejects.toMatchObject({ code: "forbidden" });
    expect(other.requests).toEqual([]);
  });

  it("sends a change under one idempotency key however often it is sent, and another change under another", async () => {
    const cut: Answer = (_request, response) => void response.destroy();
    const first = await start(cut);
    const second = await start((_request, response) => {
      const tries = second.requests.filter(({ url }) => url.endsWith("/a")).length;
      if (tries === 1) response.destroy();
      else sendPutReply(response, CONTENT);
    });
    const client = connect([first, second]);
    await client.put("a", CONTENT);
    await client.put("b", CONTENT);
    const keys = (path: string) =>
      [...first.requests, ...second.requests]
        .filter(({ url }) => url.endsWith(path))
        .map(({ headers }) => headers[HEADER.idempotencyKey]);
    expect(keys("/a").length).toBeGreaterThanOrEqual(3);
    expect(new Set(keys("/a")).size).toBe(1);
    expect(new Set([...keys("/a"), ...keys("/b")]).size).toBe(2);
  });

  it("drops a namespace under one idempotency key: a repetition must not find that it is gone", async () => {
    const server = await start((_request, response) => {
      if (server.requests.length === 1) response.destroy();
      else response.writeHead(204).end();
    });
    const client = connect([server]);
    await client.dropNamespace();
    await client.dropNamespace();
    const [lost, repeated, other] = server.requests.map(({ headers }) => headers[HEADER.idempotencyKey]);
    expect(lost).toMatch(/./);
    expect(repeated).toBe(lost);
    expect(other).not.toBe(lost);
  });

  it("sends a stream again from its kept beginning", async () => {
    const cut = await start((_request, response) => void response.destroy());
    const well = await start(store);
    expect(await connect([cut, well]).put("a", Readable.from(["small ", "stream"]))).toMatchObject({ size: 12 });
    expect(well.requests[0]?.body.toString()).toBe("small stream");
  });

  it("says source_consumed, with the reason, when a long stream met a server that failed", async () => {
    const cut = await start((_request, response) => void response.destroy());
    const well = await start(store);
    async function* long(): AsyncGenerator<Buffer> {
      for (let piece = 0; piece < 5; piece += 1) yield Buffer.alloc(MIB);
    }
    const put = connect([cut, well]).put("a", long());
    await expect(put).rejects.toMatchObject({ code: "source_consumed", cause: { code: "server_unreachable" } });
    expect(well.requests).toEqual([]);
  });

  it("sends a long stream again when a function can open it anew", async () => {
    const cut = await start((_request, response) => void response.destroy());
    const well = await start(store);
    const open = () => Readable.from(Array.from({ length: 5 }, () => Buffer.alloc(MIB)));
    expect(await connect([cut, well]).put("a", open)).toMatchObject({ size: 5 * MIB });
  });

  it("does not fail one of many puts when a server is killed while they run", async () => {
    const second = await start(store);
    let stored = 0;
    const first = await start((request, response) => {
      stored += 1;
      if (stored === 20) void first.kill();
      else sendPutReply(response, request.body);
    });
    const client = connect([first, second], { maxInFlight: 8 });
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, index) => client.put(`file-${index}`, Buffer.alloc(1_000, index))),
    );
    expect(replies).toHaveLength(100);
    expect(second.requests.length).toBeGreaterThanOrEqual(80);
  });

  it("tells what each server said when none can be reached", async () => {
    const [one, two] = [await startDead(), await startDead()];
    const get = connect([one, two], { deadlineMs: 200 }).getBytes("a");
    await expect(get).rejects.toMatchObject({ code: "server_unreachable" });
    await expect(get).rejects.toThrow(one.url);
    await expect(get).rejects.toThrow(two.url);
  });

  it("tells what a server said rather than that another could not be reached", async () => {
    const full = await start(refuse("too_few_copies"));
    const put = connect([full, await startDead()], { deadlineMs: 200 }).put("a", CONTENT);
    await expect(put).rejects.toMatchObject({ code: "too_few_copies" });
  });

  it("tries again until a server comes back before the deadline", async () => {
    let asked = 0;
    const server = await start((request, response) => {
      asked += 1;
      if (asked < 4) sendProblem(response, 503, "catalog_unavailable", true);
      else sendFile(request, response, CONTENT);
    });
    expect(await connect([server]).getBytes("a")).toBeDefined();
  });

  it("says invalid_response to what is no KoboldFS server", async () => {
    const page: Answer = (_request, response) => void response.writeHead(200, { "content-length": 5 }).end("hello");
    const client = connect([await start(page)], { deadlineMs: 200 });
    await expect(client.getBytes("a")).rejects.toMatchObject({ code: "invalid_response" });
    await expect(client.nodes()).rejects.toMatchObject({ code: "invalid_response" });
    await expect(client.put("a", CONTENT)).rejects.toMatchObject({ code: "invalid_response" });
  });

  it("keeps no more connections and requests under way than it was told", async () => {
    let running = 0;
    let most = 0;
    const server = await start(async (request, response) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      sendFile(request, response, CONTENT);
    });
    const client = connect([server], { maxInFlight: 4 });
    await Promise.all(Array.from({ length: 100 }, () => client.getBytes("a")));
    expect(most).toBeLessThanOrEqual(4);
    expect(server.connections).toBeLessThanOrEqual(4);
  });

  it("keeps its connection for one request after the other, whatever their answers", async () => {
    const server = await start((request, response) => {
      if (request.url.endsWith("/gone")) sendProblem(response, 404, "not_found", false);
      else sendFile(request, response, request.method === "HEAD" ? Buffer.alloc(0) : CONTENT);
    });
    const client = connect([server]);
    for (let round = 0; round < 3; round += 1) {
      await client.stat("a");
      await client.getBytes("a");
      await client.stat("gone");
      await client.getBytes("gone");
    }
    // A second one, because undici hands out the answer to HEAD a moment before the connection is free.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it("answers false to ping when no server answers, and true when one does", async () => {
    const dead = await startDead();
    const living = await start((_request, response) => sendJson(response, 200, { ok: true }));
    expect(await connect([dead], { deadlineMs: 100 }).ping()).toBe(false);
    expect(await connect([dead, living]).ping()).toBe(true);
  });

  it("prefers a server that has the catalog to one that answers from its mirror", async () => {
    const [away, good] = [await start(serveAsOf), await start(serve)];
    const client = connect([away, good]);
    for (let get = 0; get < 3; get += 1) expect(await client.getBytes("k")).toEqual(new Uint8Array(CONTENT));
    expect([away.requests.length, good.requests.length]).toEqual([1, 3]);
  });

  it("takes the answer of a mirror when no server has the catalog, or the others are gone", async () => {
    const [away, alsoAway, dead] = [await start(serveAsOf), await start(serveAsOf), await startDead()];
    for (const servers of [[away], [away, alsoAway], [away, dead], [dead, away]]) {
      expect(await connect(servers).getBytes("k")).toEqual(new Uint8Array(CONTENT));
    }
  });
});
