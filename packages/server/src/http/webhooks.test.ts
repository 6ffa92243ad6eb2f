import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer();
});
afterAll(() => test.close());

function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  if (body === undefined) return send(test.port, { method, path, headers });
  const type = { "content-type": "application/json" };
  return send(test.port, { method, path, headers: { ...type, ...headers }, body: JSON.stringify(body) });
}

type Listed = { webhooks: { id: string; secret?: string }[] };
const list = async () => (await call("GET", "/v1/webhooks")).json<Listed>().webhooks;

describe("webhooks over HTTP", () => {
  it("are added with a secret that is shown only then, listed and removed", async () => {
    const added = await call("POST", "/v1/webhooks", {
      url: "https://hook.invalid/x",
      namespace: "demo",
      prefix: "in/",
    });
    expect(added.status).toBe(201);
    const { id, secret } = added.json<{ id: string; secret: string }>();
    expect(secret).toMatch(/^whsec_/);
    const { number } = await test.catalog.head();
    const info = { id, url: "https://hook.invalid/x", namespace: "demo", prefix: "in/", position: number };
    expect(await list()).toEqual([{ ...info, behind: 0, failures: 0 }]);
    expect((await call("GET", "/v1/status")).json<Listed>().webhooks).toEqual([{ ...info, behind: 0, failures: 0 }]);
    expect((await call("DELETE", `/v1/webhooks/${id}`)).status).toBe(204);
    expect(await list()).toEqual([]);
    expect((await call("DELETE", `/v1/webhooks/${id}`)).problem).toEqual([404, "webhook_not_found"]);
  });

  it("are added once by a request that arrives twice", async () => {
    const once = () => call("POST", "/v1/webhooks", { url: "http://twice.invalid/" }, { "idempotency-key": "k1" });
    const [first, second] = [await once(), await once()];
    expect(first.json()).toEqual(second.json());
    expect(await list()).toHaveLength(1);
    const other = await call("POST", "/v1/webhooks", { url: "http://other.invalid/" }, { "idempotency-key": "k1" });
    expect(other.problem).toEqual([422, "idempotency_key_reused"]);
  });

  it.each([
    [{ url: "ftp://a/" }, 400, "invalid_request"],
    [{ url: "no url" }, 400, "invalid_request"],
    [{}, 400, "invalid_request"],
    [{ url: "http://a/", more: 1 }, 400, "invalid_request"],
    [{ url: "http://a/", namespace: "nothing" }, 404, "namespace_not_found"],
    [{ url: "http://a/", namespace: "NO" }, 400, "invalid_namespace"],
  ])("are refused for %j", async (body, status, code) => {
    expect((await call("POST", "/v1/webhooks", body)).problem).toEqual([status, code]);
  });

  it("are at most a hundred", async () => {
    const webhook = (id: number) => ({ id: String(id), url: "http://many.invalid/", prefix: "" });
    const count = 100 - (await list()).length;
    await test.catalog.commitAll(
      Array.from({ length: count }, (_, id) => ({ kind: "set-webhook", webhook: webhook(id) }) as const),
    );
    expect((await call("POST", "/v1/webhooks", { url: "http://a/" })).problem).toEqual([409, "too_many_webhooks"]);
  });
});
