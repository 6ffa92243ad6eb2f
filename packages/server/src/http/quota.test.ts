import type { BatchReply, NamespaceInfo, TransactionInfo } from "@koboldfs/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";
import { TestTusClient } from "./uploads/test-tus-client.js";

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer();
});
afterAll(() => test.close());

let name = "";
let count = 0;
beforeEach(async () => {
  count += 1;
  name = `quota-${count}`;
  expect((await setPolicy({ maxBytes: 10, maxFiles: 3 })).status).toBe(200);
});

const json = { "content-type": "application/json" };
const setPolicy = (policy: object) =>
  send(test.port, { method: "PUT", path: `/v1/namespaces/${name}`, headers: json, body: JSON.stringify(policy) });
const post = (path: string, body: object) =>
  send(test.port, { method: "POST", path, headers: json, body: JSON.stringify(body) });
const put = (key: string, body: string, headers: Record<string, string> = {}) =>
  send(test.port, { method: "PUT", path: `/v1/files/${name}/${key}`, body, headers });

describe("a namespace's quota", () => {
  it("is part of its policy, and refused unless it is a whole number from 0 on", async () => {
    const reply = await send(test.port, { path: `/v1/namespaces/${name}` });
    expect(reply.json<NamespaceInfo>()).toMatchObject({ maxBytes: 10, maxFiles: 3 });
    for (const maxBytes of [-1, 1.5, "10", 2 ** 60]) expect((await setPolicy({ maxBytes })).status).toBe(400);
    expect((await setPolicy({})).json<NamespaceInfo>()).not.toHaveProperty("maxBytes");
  });

  it("answers 507 quota_exceeded to a put, a resumable upload and each operation of a batch", async () => {
    expect((await put("a", "12345678")).status).toBe(201);
    const refused = await put("b", "123");
    expect(refused.problem).toEqual([507, "quota_exceeded"]);
    expect(refused.json()).toMatchObject({ detail: `namespace ${name} would hold 11 bytes; it may hold 10` });
    const upload = await new TestTusClient(test.port).create("b", 11, { metadata: { namespace: name } });
    expect(upload.problem).toEqual([507, "quota_exceeded"]);
    const batch = await post(`/v1/files/${name}`, {
      operations: [
        { op: "copy", from: "a", to: "b" },
        { op: "rename", from: "a", to: "c" },
      ],
    });
    expect(batch.json<BatchReply>().results).toMatchObject([
      { ok: false, error: { code: "quota_exceeded", status: 507 } },
      { ok: true },
    ]);
  });

  it("lets a transaction stage, and refuses its prepare and its commit", async () => {
    const { id } = (await post("/v1/transactions", {})).json<TransactionInfo>();
    for (const key of ["a", "b"]) {
      expect((await put(key, "123456", { "koboldfs-transaction": id })).status).toBe(202);
    }
    for (const step of ["prepare", "commit"]) {
      expect((await post(`/v1/transactions/${id}/${step}`, {})).problem).toEqual([507, "quota_exceeded"]);
    }
    await setPolicy({ maxBytes: 12 });
    expect((await post(`/v1/transactions/${id}/prepare`, {})).status).toBe(200);
    expect((await put("c", "1")).problem).toEqual([507, "quota_exceeded"]);
    expect((await post(`/v1/transactions/${id}/commit`, {})).status).toBe(200);
  });
});
