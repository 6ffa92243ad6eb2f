import { Readable } from "node:stream";
import { HEADER } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { ClientPool, type ClientOptions } from "./index.js";
import {
  type Answer,
  ScriptedServer,
  sendFile,
  sendJson,
  sendProblem,
  sendPutReply,
  sha256,
} from "./testing/scripted-server.js";

const CONTENT = Buffer.from("the content");
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(answer: Answer): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(answer);
  cleanups.push(() => server.kill());
  return server;
}

function openPool(servers: readonly ScriptedServer[], options: Partial<ClientOptions> = {}): ClientPool {
  const pool = new ClientPool({ servers: servers.map(({ url }) => url), deadlineMs: 3_000, ...options });
  cleanups.push(() => pool.close());
  return pool;
}

const serve: Answer = (request, response) => sendFile(request, response, CONTENT);

describe("a pool of clients", () => {
  it("gives a client for each namespace, and all of them use the same connections", async () => {
    const server = await start(serve);
    const pool = openPool([server], { maxInFlight: 2 });
    const namespaces = Array.from({ length: 20 }, (_, index) => `space-${index}`);
    await Promise.all(namespaces.map((namespace) => pool.client(namespace).getBytes("a")));
    expect(server.requests.map(({ url }) => url).toSorted()).toEqual(
      namespaces.map((namespace) => `/v1/files/${namespace}/a`).toSorted(),
    );
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it("remembers for all of its clients that a server is sick", async () => {
    const sick = await start((_request, response) => sendProblem(response, 503, "catalog_unavailable", true));
    const pool = openPool([sick, await start(serve)]);
    for (const namespace of ["photos", "letters", "bills"]) await pool.client(namespace).getBytes("a");
    expect(sick.requests).toHaveLength(1);
  });

  it("refuses a namespace and servers that cannot be", () => {
    expect(() => new ClientPool({ servers: [] })).toThrow("at least one server");
    const pool = new ClientPool({ servers: ["http://127.0.0.1:1"] });
    expect(() => pool.client("No Such")).toThrow("not a namespace name");
  });

  it("answers what concerns the whole cluster itself", async () => {
    const pool = openPool([
      await start((request, response) => {
        if (request.url === "/v1/nodes") sendJson(response, 200, { nodes: [] });
        else if (request.url === "/v1/namespaces") sendJson(response, 200, { namespaces: [] });
        else if (request.url === "/healthz") sendJson(response, 200, {});
        else {
          const status = { cluster: "c", node: "n", catalog: "sqlite", head: 3, nodes: [], namespaces: [] };
          sendJson(response, 200, status);
        }
      }),
    ]);
    expect(await pool.ping()).toBe(true);
    expect(await pool.nodes()).toEqual([]);
    expect(await pool.listNamespaces()).toEqual([]);
    expect(await pool.status()).toMatchObject({ head: 3 });
  });

  it("finishes what is under way when it is closed, and begins nothing any more", async () => {
    let answerHeld: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      answerHeld = resolve;
    });
    const server = await start(async (request, response) => {
      await held;
      sendFile(request, response, CONTENT);
    });
    const pool = openPool([server], { maxInFlight: 1 });
    const client = pool.client("photos");
    const running = Promise.all([client.getBytes("a"), client.getBytes("waits for its turn")]);
    const closed = pool.close();
    await expect(client.getBytes("late")).rejects.toThrow("the client was closed");
    answerHeld();
    expect((await running).map((bytes) => bytes?.length)).toEqual([CONTENT.length, CONTENT.length]);
    await closed;
    expect(server.requests.map(({ url }) => url)).toEqual([
      "/v1/files/photos/a",
      "/v1/files/photos/waits%20for%20its%20turn",
    ]);
  });

  it("takes back what arrived spoiled also when it may do one thing at a time", async () => {
    const server = await start((request, response) => {
      if (request.method === "PUT") sendPutReply(response, request.body, sha256(Buffer.from("spoiled")));
      else response.writeHead(204).end();
    });
    const put = openPool([server], { maxInFlight: 1 })
      .client("photos")
      .put("a", Readable.from(["hello"]));
    await expect(put).rejects.toMatchObject({ code: "digest_mismatch" });
    expect(server.requests.map(({ method }) => method)).toEqual(["PUT", "DELETE"]);
    const keys = server.requests.map(({ headers }) => headers[HEADER.idempotencyKey]);
    expect(new Set(keys).size).toBe(2);
  });
});
