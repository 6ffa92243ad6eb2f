import { once } from "node:events";
import { Agent, request } from "node:http";
import { Readable } from "node:stream";
import { type FileKey, KoboldError } from "@koboldfs/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DEMO } from "../files/test-files.js";
import type { Logger } from "../runtime/logger.js";
import { silentLogger } from "../runtime/logger.js";
import { openConnection, readReply, send } from "./raw-client.js";
import { startTestServer, type TestServer, type TestServerOptions } from "./test-server.js";

const PATH = "/v1/files/demo/key";
const servers: TestServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  servers.push(server);
  return server;
}

/** A step of a store that waits until it is let go. */
function gate(): { step: () => Promise<void>; entered: Promise<void>; open: () => void } {
  let open = () => {};
  let enter = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const entered = new Promise<void>((resolve) => {
    enter = resolve;
  });
  const step = () => {
    enter();
    return opened;
  };
  return { step, entered, open };
}

describe("what the server does not understand", () => {
  let test: TestServer;
  beforeAll(async () => {
    test = await startTestServer();
  });
  afterAll(() => test.close());

  it.each(["/", "/v1", "/v1/files", "/v1/nothing", "/favicon.ico", "/V1/files/demo/a", "/v1/%66iles/demo/a"])(
    "%s is 404 route_not_found",
    async (path) => {
      const reply = await send(test.port, { path });
      expect(reply.problem).toEqual([404, "route_not_found"]);
      expect(reply.headers["content-type"]).toBe("application/problem+json");
    },
  );

  it.each([
    ["PATCH", PATH, "DELETE, GET, HEAD, PUT"],
    ["POST", PATH, "DELETE, GET, HEAD, PUT"],
    ["OPTIONS", PATH, "DELETE, GET, HEAD, PUT"],
    ["DELETE", "/v1/files/demo", "GET, POST"],
    ["POST", "/v1/namespaces/demo", "DELETE, GET, PUT"],
    ["PUT", "/v1/nodes", "GET"],
    ["POST", "/healthz", "GET, HEAD"],
  ])("%s %s is 405 with Allow", async (method, path, allow) => {
    const reply = await send(test.port, { method, path });
    expect(reply.problem).toEqual([405, "method_not_allowed"]);
    expect(reply.headers.allow).toBe(allow);
  });

  it("URLs that are no percent-encoded UTF-8 are 400", async () => {
    for (const path of ["/v1/namespaces/%ff", "/v1/namespaces/%", "/%ff"]) {
      expect((await send(test.port, { path })).problem).toEqual([400, "invalid_request"]);
    }
  });

  it.each([
    ["bytes that are no HTTP", "hello\r\n\r\n", ["HTTP/1.1 400", "invalid_request"]],
    ["a URL that is too long", `GET /${"a".repeat(20_000)} HTTP/1.1\r\n\r\n`, ["HTTP/1.1 431", "headers_too_large"]],
    [
      "headers that are too large",
      `GET / HTTP/1.1\r\nA: ${"a".repeat(20_000)}\r\n\r\n`,
      ["HTTP/1.1 431", "headers_too_large"],
    ],
  ])("%s get a problem, and the connection ends", async (_, bytes, expected) => {
    const { socket, received } = openConnection(test.port);
    socket.write(bytes);
    const text = await received;
    expect([text.slice(0, 12), /"code":"(\w+)"/.exec(text)?.[1]]).toEqual(expected);
  });

  it.each([
    ["JSON that is none", "{", "application/json", [400, "invalid_request"]],
    ["JSON of another shape", '{"minCopies":"2"}', "application/json", [400, "invalid_request"]],
    ["JSON with what nobody knows", '{"minCopys":2}', "application/json", [400, "invalid_request"]],
    [
      "JSON that would poison prototypes",
      '{"__proto__":{"minCopies":2}}',
      "application/json",
      [400, "invalid_request"],
    ],
    ["another type than JSON", "minCopies=2", "application/x-www-form-urlencoded", [415, "unsupported_media_type"]],
    ["more JSON than anybody needs", " ".repeat(5 * 1024 * 1024), "application/json", [413, "too_large"]],
  ])("%s is refused", async (_, body, type, problem) => {
    const reply = await send(test.port, {
      ...{ method: "PUT", path: "/v1/namespaces/never", body },
      headers: { "content-type": type },
    });
    expect(reply.problem).toEqual(problem);
    expect((await send(test.port, { path: "/v1/namespaces/never" })).status).toBe(404);
  });
});

describe("a failure that nobody foresaw", () => {
  it("is told as internal, with an id that the log has and nothing of its insides", async () => {
    const logged: object[] = [];
    const log: Logger = { ...silentLogger, error: (fields) => logged.push(fields) };
    const test = await start({ http: { log } });
    const failure = new Error("secret details of the database");
    test.catalog.findFile = () => Promise.reject(failure);
    const reply = await send(test.port, { path: PATH });
    expect(reply.problem).toEqual([500, "internal"]);
    expect(reply.text).not.toContain("secret");
    expect(logged).toEqual([
      expect.objectContaining({ instance: reply.json<{ instance: string }>().instance, err: failure }),
    ]);
  });
});

describe("answers", () => {
  it("are logged when the operator wants it", async () => {
    const logged: object[] = [];
    const log: Logger = { ...silentLogger, debug: (fields) => logged.push(fields) };
    const test = await start({ http: { log, logRequests: true } });
    await send(test.port, { path: PATH });
    await expect.poll(() => logged).toEqual([expect.objectContaining({ method: "GET", url: PATH, status: 404 })]);
  });
});

describe("clients", () => {
  it("need the token when there is one, but for health", async () => {
    const test = await start({ token: "s3cret" });
    for (const path of [PATH, "/v1/files/demo", "/v1/nodes", "/v1/status", "/v1/namespaces", "/openapi.json"]) {
      const refused = await send(test.port, { path });
      expect(refused.problem).toEqual([401, "unauthorized"]);
      expect(refused.headers["www-authenticate"]).toBe('Bearer realm="koboldfs"');
      const headers = { authorization: "Bearer s3cret" };
      expect((await send(test.port, { path, headers })).status).not.toBe(401);
    }
    const put = await send(test.port, {
      method: "PUT",
      path: PATH,
      body: "x",
      headers: { authorization: "Bearer wrong" },
    });
    expect(put.problem).toEqual([401, "unauthorized"]);
    for (const path of ["/healthz", "/readyz"]) expect((await send(test.port, { path })).status).toBe(200);
  });

  it("without the token learn nothing about routes and keys", async () => {
    const test = await start({ token: "s3cret" });
    expect((await send(test.port, { method: "PUT", path: "/v1/files/demo/%ff", body: "x" })).status).toBe(401);
    expect((await send(test.port, { method: "PATCH", path: PATH })).status).toBe(405);
  });
});

describe("health", () => {
  it("tells a process that lives from a node that is ready", async () => {
    const test = await start({
      http: { isReady: () => Promise.reject(new KoboldError("disk_failed", "a volume is read-only")) },
    });
    expect((await send(test.port, { path: "/healthz" })).json()).toEqual({ status: "ok" });
    expect((await send(test.port, { path: "/readyz" })).problem).toEqual([503, "disk_failed"]);
    expect((await send(test.port, { method: "HEAD", path: "/readyz" })).status).toBe(503);
  });
});

describe("too many requests", () => {
  it("are refused with 503 and Retry-After, while health and peers are still answered", async () => {
    const test = await start({ http: { maxRunning: 1 } });
    const slow = gate();
    test.stores["self"]!.beforeFinish = slow.step;
    const put = send(test.port, { method: "PUT", path: PATH, body: "x" });
    await slow.entered;
    const refused = await send(test.port, { path: PATH });
    expect(refused.problem).toEqual([503, "overloaded"]);
    expect(refused.headers["retry-after"]).toBe("1");
    expect((await send(test.port, { path: "/healthz" })).status).toBe(200);
    expect((await send(test.port, { path: "/readyz" })).status).toBe(200);
    expect((await send(test.port, { path: "/v1/node/ping" })).status).toBe(404);
    slow.open();
    expect((await put).status).toBe(201);
    expect((await send(test.port, { path: PATH })).status).toBe(200);
  });

  it("of 600 connections at once 512 are answered, and the others told to come back", { timeout: 30_000 }, async () => {
    const test = await start();
    await send(test.port, { method: "PUT", path: PATH, body: "x" });
    const slow = gate();
    test.stores["self"]!.beforeOpen = slow.step;
    const replies = Array.from({ length: 600 }, () => send(test.port, { path: PATH }));
    const refused = await settledFirst(replies, 88);
    for (const { problem, headers } of refused) {
      expect([problem, headers["retry-after"]]).toEqual([[503, "overloaded"], "1"]);
    }
    slow.open();
    const statuses = (await Promise.all(replies)).map(({ status }) => status);
    expect([statuses.filter((status) => status === 200).length, statuses.length]).toEqual([512, 600]);
  });
});

/** The first so many of the promises that resolve. */
function settledFirst<T>(promises: readonly Promise<T>[], count: number): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const done: T[] = [];
    for (const promise of promises) {
      promise.then((value) => {
        if (done.push(value) === count) resolve([...done]);
      }, reject);
    }
  });
}

describe("stopping", () => {
  it("finishes what runs, refuses what comes, and closes every connection", async () => {
    const test = await start();
    const slow = gate();
    test.stores["self"]!.beforeFinish = slow.step;
    const agent = new Agent({ keepAlive: true });
    const idle = request({ host: "127.0.0.1", port: test.port, path: "/healthz", agent }).end();
    const [answer] = await once(idle, "response");
    await readReply(answer);
    const put = send(test.port, { method: "PUT", path: PATH, body: "x" });
    await slow.entered;
    const stopped = test.server.stop();
    const refused = await send(test.port, { path: PATH });
    expect([refused.problem, refused.headers.connection]).toEqual([[503, "shutting_down"], "close"]);
    expect((await send(test.port, { path: "/readyz" })).problem).toEqual([503, "shutting_down"]);
    expect((await send(test.port, { path: "/healthz" })).status).toBe(200);
    slow.open();
    expect((await put).status).toBe(201);
    await stopped;
    await expect(send(test.port, { path: "/healthz" })).rejects.toThrow("ECONNREFUSED");
    expect(await test.catalog.findFile(DEMO, "key" as FileKey)).toBeDefined();
    agent.destroy();
  });

  it("does not wait for ever", async () => {
    const test = await start({ http: { stopMs: 50 } });
    const slow = gate();
    test.stores["self"]!.beforeFinish = slow.step;
    const put = expect(send(test.port, { method: "PUT", path: PATH, body: "x" })).rejects.toThrow();
    await slow.entered;
    await test.server.stop();
    await put;
    slow.open();
  });
});

describe("connections", () => {
  it("that send no request are cut", async () => {
    const test = await start({ http: { idleMs: 50 } });
    const { socket, received } = openConnection(test.port);
    socket.write("GET /healthz HTT");
    expect(await received).toBe("");
  });

  it("whose client goes away release what they read", async () => {
    const test = await start();
    await send(test.port, { method: "PUT", path: PATH, body: Buffer.alloc(32 * 1024 * 1024) });
    test.stores["self"]!.chunkBytes = 64 * 1024;
    const { socket } = openConnection(test.port);
    socket.pause();
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await expect.poll(() => test.stores["self"]!.openStreams).toBe(1);
    socket.resetAndDestroy();
    await expect.poll(() => test.stores["self"]!.openStreams).toBe(0);
  });

  it("whose client does not read are cut, and release what they read", async () => {
    const test = await start({ http: { idleMs: 100 } });
    // Not over HTTP: a client of this busy process may well be silent for longer than a stalled one is granted here.
    const file = { namespace: DEMO, key: "key" as FileKey, contentType: "text/plain", metadata: {} };
    await test.files.put({ ...file, body: Readable.from([Buffer.alloc(32 * 1024 * 1024)]) });
    test.stores["self"]!.chunkBytes = 64 * 1024;
    const { socket } = openConnection(test.port);
    socket.pause();
    socket.write(`GET ${PATH} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await expect.poll(() => test.stores["self"]!.openStreams).toBe(1);
    await expect.poll(() => test.stores["self"]!.openStreams, { timeout: 5000 }).toBe(0);
    socket.destroy();
  });

  it("are cut short when the blob fails and nobody else has it: half a file is no success", async () => {
    const test = await start();
    await send(test.port, { method: "PUT", path: PATH, body: Buffer.alloc(1024 * 1024) });
    test.stores["self"]!.chunkBytes = 64 * 1024;
    test.stores["self"]!.failReadingAt = {
      bytes: 512 * 1024,
      error: new KoboldError("disk_failed", "a fault of the test"),
    };
    await expect(send(test.port, { path: PATH })).rejects.toThrow("aborted");
  });

  it("are told 503 when no node has the blob", async () => {
    const test = await start();
    await send(test.port, { method: "PUT", path: PATH, body: "x" });
    test.stores["self"]!.beforeOpen = () => Promise.reject(new KoboldError("disk_failed", "a fault of the test"));
    const reply = await send(test.port, { path: PATH });
    expect([reply.problem, reply.headers["retry-after"]]).toEqual([[503, "blob_unavailable"], "1"]);
    expect((await send(test.port, { method: "HEAD", path: PATH })).status).toBe(200);
  });
});
