import { ERROR_TABLE, isErrorCode } from "@koboldfs/protocol";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

interface Operation {
  readonly summary?: string;
  readonly responses: Record<string, { description: string; content?: Record<string, unknown> }>;
}

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, unknown> };
}

let test: TestServer;
let document: OpenApi;
let text: string;
beforeAll(async () => {
  test = await startTestServer();
  const reply = await send(test.port, { path: "/openapi.json" });
  text = reply.text;
  document = reply.json<OpenApi>();
});
afterAll(() => test.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );

describe("the OpenAPI document", () => {
  it("has every route of the native face, and no other", () => {
    expect(document.openapi).toBe("3.1.0");
    const names = operations().map(({ name }) => name);
    expect(names.sort()).toEqual([
      "DELETE /v1/files/{namespace}/{key}",
      "DELETE /v1/namespaces/{namespace}",
      "DELETE /v1/uploads/{id}",
      "DELETE /v1/webhooks/{id}",
      "GET /metrics",
      "GET /v1/changes",
      "GET /v1/files/{namespace}",
      "GET /v1/files/{namespace}/{key}",
      "GET /v1/namespaces",
      "GET /v1/namespaces/{namespace}",
      "GET /v1/nodes",
      "GET /v1/nodes/{node}/plan",
      "GET /v1/nodes/{node}/sole-blobs",
      "GET /v1/scrub",
      "GET /v1/status",
      "GET /v1/transactions",
      "GET /v1/transactions/{id}",
      "GET /v1/uploads/{id}",
      "GET /v1/webhooks",
      "HEAD /v1/files/{namespace}/{key}",
      "HEAD /v1/uploads/{id}",
      "OPTIONS /v1/uploads",
      "PATCH /v1/uploads/{id}",
      "POST /v1/bundles/{namespace}",
      "POST /v1/files/{namespace}",
      "POST /v1/nodes/{node}/refill",
      "POST /v1/purges/{namespace}",
      "POST /v1/restores/{namespace}",
      "POST /v1/scrub",
      "POST /v1/transactions",
      "POST /v1/transactions/{id}/abort",
      "POST /v1/transactions/{id}/commit",
      "POST /v1/transactions/{id}/prepare",
      "POST /v1/uploads",
      "POST /v1/webhooks",
      "PUT /v1/files/{namespace}/{key}",
      "PUT /v1/namespaces/{namespace}",
      "PUT /v1/nodes/{node}/order",
    ]);
  });

  it("names only failures that exist, under the status that they have", () => {
    for (const { name, operation } of operations()) {
      for (const [status, { description, content }] of Object.entries(operation.responses)) {
        if (content?.["application/problem+json"] === undefined) continue;
        for (const code of description.split(", ")) {
          expect(isErrorCode(code) && ERROR_TABLE[code].status, `${code} of ${name}`).toBe(Number(status));
        }
      }
    }
  });

  it("says of every operation what it is for, how it succeeds and how it fails", () => {
    for (const { name, operation } of operations()) {
      expect(operation.summary, name).toMatch(/\.$/);
      const statuses = Object.keys(operation.responses).map(Number);
      expect(
        statuses.some((status) => status < 300),
        name,
      ).toBe(true);
      expect(statuses, name).toContain(401);
      expect(statuses, name).toContain(503);
    }
  });

  it("refers only to schemas that it has", () => {
    const used = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1]!);
    expect(used.length).toBeGreaterThan(10);
    for (const name of used) expect(document.components.schemas).toHaveProperty([name]);
  });

  it.each([
    ["PUT", "/v1/namespaces/made", "{}", "NamespaceInfo"],
    ["GET", "/v1/namespaces/made", undefined, "NamespaceInfo"],
    ["GET", "/v1/namespaces", undefined, "NamespaceListReply"],
    ["PUT", "/v1/files/made/a", "bytes", "PutReply"],
    ["GET", "/v1/files/made", undefined, "ListReply"],
    [
      "POST",
      "/v1/files/made",
      '{"operations":[{"op":"copy","from":"a","to":"b"},{"op":"delete","key":""}]}',
      "BatchReply",
    ],
    ["GET", "/v1/files/made/a?versions", undefined, "VersionListReply"],
    ["POST", "/v1/files/made", '{"operations":[{"op":"delete","key":"b"},{"op":"undelete","key":"b"}]}', "BatchReply"],
    ["POST", "/v1/files/made", '{"operations":[{"op":"delete","key":"b"}]}', "BatchReply"],
    ["GET", "/v1/files/made?deleted", undefined, "DeletedListReply"],
    ["POST", "/v1/purges/made", '{"key":"b"}', "PurgeReply"],
    ["POST", "/v1/restores/made", '{"prefix":"x","asOf":"2020-01-01T00:00:00Z"}', "Problem"],
    ["POST", "/v1/transactions", '{"ttlMs":60000}', "TransactionInfo"],
    ["GET", "/v1/transactions", undefined, "TransactionListReply"],
    ["POST", "/v1/webhooks", '{"url":"http://hook.invalid/","namespace":"made"}', "WebhookSecret"],
    ["GET", "/v1/webhooks", undefined, "WebhookListReply"],
    ["GET", "/v1/nodes", undefined, "NodeListReply"],
    ["GET", "/v1/status", undefined, "StatusReply"],
    ["GET", "/healthz", undefined, "Health"],
    ["GET", "/v1/files/made/missing", undefined, "Problem"],
    ["PUT", "/v1/namespaces/made", "{", "Problem"],
  ])("is true of what %s %s with %s answers", async (method, path, body, schema) => {
    const ajv = new Ajv2020({ strict: false, formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } });
    ajv.addSchema(document, "api");
    const reply = await send(test.port, {
      ...{ method, path, headers: { "content-type": "application/json" } },
      ...(body !== undefined && { body }),
    });
    ajv.validate({ $ref: `api#/components/schemas/${schema}` }, reply.json());
    expect(ajv.errors).toBeNull();
  });
});
