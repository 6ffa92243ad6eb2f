import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { send } from "../raw-client.js";
import { startTestServer, type TestServer } from "../test-server.js";
import { TestTusClient } from "./test-tus-client.js";

let test: TestServer;
let tus: TestTusClient;
beforeAll(async () => {
  test = await startTestServer();
  tus = new TestTusClient(test.port);
});
afterAll(() => test.close());

describe("an upload that is refused at its creation", () => {
  it.each([
    ["without a namespace", "key a2V5", 400, "invalid_request"],
    ["without a key", "namespace ZGVtbw==", 400, "invalid_request"],
    ["with an empty key", "namespace ZGVtbw==,key", 400, "invalid_key"],
    ["with a name that is no namespace's", "namespace Li4=,key a2V5", 400, "invalid_namespace"],
    ["with a namespace that is not there", "namespace bm93aGVyZQ==,key a2V5", 404, "namespace_not_found"],
    ["with a value that is no base64", "namespace ZGVtbw==,key a2V", 400, "invalid_request"],
    ["with a value that is no UTF-8", "namespace ZGVtbw==,key /w==", 400, "invalid_request"],
    ["with a name twice", "namespace ZGVtbw==,key a2V5,key a2V5", 400, "invalid_request"],
    ["with a name that means nothing", "namespace ZGVtbw==,key a2V5,if-nonematch Kg==", 400, "invalid_request"],
    ["with a digest that is none", "namespace ZGVtbw==,key a2V5,digest eA==", 400, "invalid_digest"],
    ["with user metadata of a bad name", "namespace ZGVtbw==,key a2V5,meta-ä eA==", 400, "invalid_metadata"],
    ["without any metadata", "", 400, "invalid_request"],
  ])("%s says why at once", async (_, metadata, status, code) => {
    const headers = { "upload-length": "5", "upload-metadata": Buffer.from(metadata).toString("latin1") };
    expect((await tus.request("POST", "/v1/uploads", { headers })).problem).toEqual([status, code]);
  });

  it.each([
    ["is missing", {}, [400, "invalid_request"]],
    ["is no number", { "upload-length": "-1" }, [400, "invalid_request"]],
    ["cannot be counted", { "upload-length": "99999999999999999999" }, [413, "too_large"]],
    ["is deferred", { "upload-defer-length": "1" }, [400, "invalid_request"]],
  ])("whose length %s says so", async (_, headers: Record<string, string>, problem) => {
    expect((await tus.request("POST", "/v1/uploads", { headers })).problem).toEqual(problem);
  });

  it("in another version of tus is told which one is spoken", async () => {
    const reply = await tus.request("POST", "/v1/uploads", { headers: { "tus-resumable": "0.2.2" } });
    expect(reply.problem).toEqual([412, "tus_version_unsupported"]);
    expect(reply.headers).toMatchObject({ "tus-version": "1.0.0", "tus-resumable": "1.0.0" });
    expect((await send(test.port, { method: "POST", path: "/v1/uploads" })).status).toBe(412);
  });
});

describe("an upload without credentials", () => {
  it("is refused like a put", async () => {
    const guarded = await startTestServer({ token: "secret" });
    const reply = await new TestTusClient(guarded.port).create("a", 5);
    expect(reply.problem).toEqual([401, "unauthorized"]);
    expect(reply.headers["tus-resumable"]).toBe("1.0.0");
    await guarded.close();
  });
});
