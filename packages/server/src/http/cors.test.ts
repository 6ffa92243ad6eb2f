import { afterEach, describe, expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer, type TestServerOptions } from "./test-server.js";

const PAGE = "https://app.example.org";
const PATH = "/v1/files/demo/key";
const servers: TestServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function start(corsOrigins: readonly string[], options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer({ ...options, http: { corsOrigins, ...options.http } });
  servers.push(server);
  return server;
}

function preflight(origin: string, method: string, headers?: string): Record<string, string> {
  return {
    origin,
    "access-control-request-method": method,
    ...(headers !== undefined && { "access-control-request-headers": headers }),
  };
}

describe("a node and the scripts of web pages", () => {
  it("says nothing of other origins by default", async () => {
    const { port } = await start([]);
    const asked = await send(port, { method: "OPTIONS", path: PATH, headers: preflight(PAGE, "PUT") });
    expect(asked.status).toBe(405);
    expect(asked.headers["access-control-allow-origin"]).toBeUndefined();
    const read = await send(port, { path: PATH, headers: { origin: PAGE } });
    expect(read.headers["access-control-allow-origin"]).toBeUndefined();
    expect(read.headers.vary).toBeUndefined();
  });

  it("lets a page of a known origin ask for every method and header, without its token", async () => {
    const { port } = await start([PAGE], { token: "secret" });
    const headers = preflight(PAGE, "PUT", "authorization,idempotency-key,koboldfs-meta-title,repr-digest");
    const reply = await send(port, { method: "OPTIONS", path: PATH, headers });
    expect(reply.status).toBe(204);
    expect(reply.headers).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-allow-headers": "authorization,idempotency-key,koboldfs-meta-title,repr-digest",
      vary: "Origin",
    });
    expect(reply.headers["access-control-allow-methods"]?.split(", ")).toEqual(
      expect.arrayContaining(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    );
  });

  it("lets that page read answers and refusals with all of their headers", async () => {
    const { port } = await start(["https://other.example.org", PAGE], { token: "secret" });
    const authorization = "Bearer secret";
    const written = await send(port, {
      method: "PUT",
      path: PATH,
      headers: { origin: PAGE, authorization, "koboldfs-meta-title": "x" },
      body: "hello",
    });
    const answers = [
      written,
      await send(port, { path: PATH, headers: { origin: PAGE, authorization } }),
      await send(port, { method: "HEAD", path: PATH, headers: { origin: PAGE, authorization } }),
      await send(port, { path: "/v1/files/demo", headers: { origin: PAGE, authorization } }),
      await send(port, { path: "/v1/files/demo/gone", headers: { origin: PAGE, authorization } }),
      await send(port, { path: PATH, headers: { origin: PAGE } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 404, 401]);
    for (const { headers } of answers) {
      expect(headers["access-control-allow-origin"]).toBe(PAGE);
      expect(headers["access-control-expose-headers"]).toBe("*");
    }
  });

  it("lets the page read that the node has too much to do", async () => {
    const { port } = await start([PAGE], { http: { maxRunning: 0 } });
    const reply = await send(port, { path: PATH, headers: { origin: PAGE } });
    expect(reply.problem).toEqual([503, "overloaded"]);
    expect(reply.headers["access-control-allow-origin"]).toBe(PAGE);
  });

  it("grants other origins nothing, and tells caches that the answer depends on who asks", async () => {
    const { port } = await start([PAGE]);
    for (const origin of ["https://evil.example.org", "http://app.example.org", "null"]) {
      const asked = await send(port, { method: "OPTIONS", path: PATH, headers: preflight(origin, "PUT") });
      expect(asked.status).toBe(405);
      expect(asked.headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect((await send(port, { path: "/healthz" })).headers.vary).toBe("Origin");
  });

  it("lets every page in under a star", async () => {
    const { port } = await start(["*"]);
    const reply = await send(port, { path: "/healthz", headers: { origin: PAGE } });
    expect(reply.headers["access-control-allow-origin"]).toBe("*");
    expect(reply.headers.vary).toBeUndefined();
  });
});
