import { createHash } from "node:crypto";
import type { ListReply, PutReply } from "@koboldfs/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawRequest, send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const reprDigest = (text: string) => `sha-256=:${createHash("sha256").update(text).digest("base64")}:`;
const MISSING_DIGEST = sha256("nobody has this");

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer({ peers: ["anna", "bert"] });
});
afterAll(() => test.close());

function ask(method: string, key: string, options: Partial<RawRequest> = {}) {
  return send(test.port, { method, path: `/v1/files/demo/${key}`, ...options });
}

describe("PUT of a file", () => {
  it("answers 201 with digest, size, version, copies and wanted", async () => {
    const reply = await ask("PUT", "put/one", { body: "hello" });
    expect(reply.status).toBe(201);
    const put = reply.json<PutReply>();
    expect(put).toEqual({
      digest: sha256("hello"),
      size: 5,
      version: expect.any(Number) as number,
      copies: 2,
      wanted: 3,
    });
    expect(reply.headers).toMatchObject({
      etag: `"${put.digest}"`,
      "koboldfs-version": String(put.version),
      location: "/v1/files/demo/put/one",
    });
  });

  it("places the bytes here and on the first peer before it answers", async () => {
    const { digest } = (await ask("PUT", "put/placed", { body: "placed" })).json<PutReply>();
    const ref = { namespace: "demo", digest } as Parameters<typeof test.context.store.stat>[0];
    expect(await test.stores["self"]!.stat(ref)).toEqual({ sizeBytes: 6 });
    expect(await test.stores["anna"]!.stat(ref)).toEqual({ sizeBytes: 6 });
    expect(await test.catalog.listDebts(test.idOf("bert"), 100)).toContainEqual(expect.objectContaining({ digest }));
  });

  it("makes a new version of a key that is there, with its own type and metadata", async () => {
    const first = await ask("PUT", "put/again", { body: "one", headers: { "koboldfs-meta-a": "1" } });
    const second = await ask("PUT", "put/again", { body: "two", headers: { "content-type": "text/x-two" } });
    expect(second.json<PutReply>().version).toBeGreaterThan(first.json<PutReply>().version);
    const got = await ask("GET", "put/again");
    expect([got.text, got.headers["content-type"], got.headers["koboldfs-meta-a"]]).toEqual([
      "two",
      "text/x-two",
      undefined,
    ]);
  });

  it("takes an empty file, and one without any length header", async () => {
    expect((await ask("PUT", "put/empty", { headers: { "content-length": "0" } })).json<PutReply>().size).toBe(0);
    const empty = await ask("GET", "put/empty");
    expect([empty.status, empty.headers["content-length"], empty.text]).toEqual([200, "0", ""]);
    const chunked = await ask("PUT", "put/chunked", { body: "chunks", headers: { "transfer-encoding": "chunked" } });
    expect(chunked.json<PutReply>()).toMatchObject({ digest: sha256("chunks"), size: 6 });
  });

  it("takes JSON and other types that a server might parse as bytes", async () => {
    for (const type of ["application/json", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]) {
      const reply = await ask("PUT", "put/typed", { body: "{ not json", headers: { "content-type": type } });
      expect(reply.status).toBe(201);
      expect((await ask("GET", "put/typed")).headers["content-type"]).toBe(type);
    }
  });

  it("keeps metadata, also beyond ASCII", async () => {
    const headers = {
      "Koboldfs-Meta-Owner": "a b",
      "koboldfs-meta-title*": "UTF-8''na%C3%AFve",
      "koboldfs-meta-none": "",
    };
    await ask("PUT", "put/meta", { body: "x", headers });
    const got = await ask("HEAD", "put/meta");
    expect(got.headers).toMatchObject({
      "koboldfs-meta-owner": "a b",
      "koboldfs-meta-title*": "UTF-8''na%C3%AFve",
      "koboldfs-meta-none": "",
    });
    const { files } = (await send(test.port, { path: "/v1/files/demo?prefix=put/meta" })).json<ListReply>();
    expect(files[0]?.metadata).toEqual({ owner: "a b", title: "naïve", none: "" });
  });

  it.each([
    ["metadata that are too large", { "koboldfs-meta-a": "x".repeat(8200) }, [400, "invalid_metadata"]],
    ["a part of a file", { "content-range": "bytes 0-0/5" }, [400, "invalid_request"]],
    ["an encoded body", { "content-encoding": "gzip" }, [415, "unsupported_media_type"]],
    ["a content type that is none", { "content-type": "nonsense" }, [415, "unsupported_media_type"]],
    ["a condition on dates", { "if-unmodified-since": new Date(0).toUTCString() }, [400, "invalid_request"]],
    ["a digest field that is none", { "content-digest": "sha-256=abc" }, [400, "invalid_digest"]],
  ])("refuses %s and names nothing", async (_, headers, problem) => {
    expect((await ask("PUT", "put/refused", { body: "x", headers })).problem).toEqual(problem);
    expect((await ask("GET", "put/refused")).status).toBe(404);
  });

  it("refuses a namespace that does not exist, one that cannot, and a query", async () => {
    const put = (path: string) => send(test.port, { method: "PUT", path, body: "x" });
    expect((await put("/v1/files/nowhere/a")).problem).toEqual([404, "namespace_not_found"]);
    expect((await put("/v1/files/NoWhere/a")).problem).toEqual([400, "invalid_namespace"]);
    expect((await put("/v1/files/demo/a?b=c")).problem).toEqual([400, "invalid_request"]);
  });
});

describe("digests that the client announces", () => {
  it.each(["content-digest", "repr-digest"])("are checked in %s: right ones pass", async (header) => {
    const reply = await ask("PUT", "digest/right", { body: "hello", headers: { [header]: reprDigest("hello") } });
    expect(reply.status).toBe(201);
  });

  it("refuse other bytes and leave the old version", async () => {
    await ask("PUT", "digest/old", { body: "old" });
    const headers = { "content-digest": reprDigest("new") };
    expect((await ask("PUT", "digest/old", { body: "nex", headers })).problem).toEqual([400, "digest_mismatch"]);
    expect((await ask("GET", "digest/old")).text).toBe("old");
    for (const store of Object.values(test.stores)) {
      const ref = { namespace: "demo", digest: sha256("nex") } as Parameters<typeof store.stat>[0];
      expect(await store.stat(ref)).toBeUndefined();
      expect(store.openWrites).toBe(0);
    }
  });

  it("of algorithms that are not ours are passed over", async () => {
    expect((await ask("PUT", "digest/md5", { body: "x", headers: { "content-digest": "md5=:AAAA:" } })).status).toBe(
      201,
    );
  });
});

describe("conditions on changes", () => {
  it("If-None-Match: * puts only what is not there", async () => {
    const headers = { "if-none-match": "*" };
    expect((await ask("PUT", "cond/new", { body: "1", headers })).status).toBe(201);
    expect((await ask("PUT", "cond/new", { body: "2", headers })).problem).toEqual([412, "precondition_failed"]);
    expect((await ask("GET", "cond/new")).text).toBe("1");
  });

  it("If-Match changes only the version it names", async () => {
    const { etag } = (await ask("PUT", "cond/match", { body: "1" })).headers;
    expect((await ask("PUT", "cond/match", { body: "2", headers: { "if-match": etag! } })).status).toBe(201);
    const stale = { headers: { "if-match": etag! } };
    expect((await ask("PUT", "cond/match", { body: "3", ...stale })).problem).toEqual([412, "precondition_failed"]);
    expect((await ask("DELETE", "cond/match", stale)).problem).toEqual([412, "precondition_failed"]);
    expect((await ask("GET", "cond/match")).text).toBe("2");
    expect((await ask("DELETE", "cond/match", { headers: { "if-match": "*" } })).status).toBe(204);
    expect((await ask("PUT", "cond/match", { body: "4", headers: { "if-match": "*" } })).status).toBe(412);
  });
});

describe("an idempotency key", () => {
  it("gives a repeated put the first answer and makes no second version", async () => {
    const headers = { "idempotency-key": '"put-1"', "if-none-match": "*" };
    const first = await ask("PUT", "idem/put", { body: "x", headers });
    const again = await ask("PUT", "idem/put", { body: "x", headers });
    expect([again.status, again.json()]).toEqual([first.status, first.json()]);
  });

  it("is refused for another request", async () => {
    const headers = { "idempotency-key": "put-2" };
    await ask("PUT", "idem/other", { body: "x", headers });
    const refused = [422, "idempotency_key_reused"];
    expect((await ask("PUT", "idem/other", { body: "y", headers })).problem).toEqual(refused);
    expect((await ask("PUT", "idem/third", { body: "x", headers })).problem).toEqual(refused);
    expect((await ask("DELETE", "idem/other", { headers })).problem).toEqual(refused);
    expect((await ask("GET", "idem/other")).text).toBe("x");
  });

  it("gives a repeated delete the first answer", async () => {
    await ask("PUT", "idem/delete", { body: "x" });
    const headers = { "idempotency-key": "delete-1" };
    const first = await ask("DELETE", "idem/delete", { headers });
    const again = await ask("DELETE", "idem/delete", { headers });
    expect([again.status, again.headers["koboldfs-version"]]).toEqual([204, first.headers["koboldfs-version"]]);
  });
});

describe("min copies", () => {
  it("of the request refuse when fewer nodes have the bytes", async () => {
    expect((await ask("PUT", "min/three", { body: "x", headers: { "koboldfs-min-copies": "3" } })).status).toBe(201);
    const reply = await ask("PUT", "min/four", { body: "x", headers: { "koboldfs-min-copies": "4" } });
    expect(reply.problem).toEqual([503, "too_few_copies"]);
    expect(reply.headers["retry-after"]).toBe("1");
    expect((await ask("GET", "min/four")).status).toBe(404);
  });

  it("of the namespace do the same", async () => {
    const put = (path: string, options = {}) => send(test.port, { method: "PUT", path, ...options });
    const headers = { "content-type": "application/json" };
    await put("/v1/namespaces/careful", { headers, body: '{"minCopies":4}' });
    expect((await put("/v1/files/careful/a", { body: "x" })).problem).toEqual([503, "too_few_copies"]);
  });
});

describe("GET and HEAD of a file", () => {
  const text = "0123456789";
  beforeAll(() => ask("PUT", "get/ten", { body: text, headers: { "content-type": "text/plain" } }));

  it("say everything about it", async () => {
    const [got, head] = [await ask("GET", "get/ten"), await ask("HEAD", "get/ten")];
    expect([got.status, got.text, head.status, head.text]).toEqual([200, text, 200, ""]);
    const { date: _1, ...headers } = got.headers;
    expect(head.headers).toMatchObject(headers);
    expect(headers).toMatchObject({
      "content-type": "text/plain",
      "content-length": "10",
      etag: `"${sha256(text)}"`,
      "repr-digest": reprDigest(text),
      "accept-ranges": "bytes",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox",
      "koboldfs-version": expect.stringMatching(/^\d+$/) as string,
    });
    expect(Date.parse(headers["last-modified"]!)).not.toBeNaN();
  });

  it.each([
    ["bytes=0-0", "0", "bytes 0-0/10"],
    ["bytes=3-", "3456789", "bytes 3-9/10"],
    ["bytes=3-100", "3456789", "bytes 3-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-100", text, "bytes 0-9/10"],
  ])("serve the range %s", async (range, part, contentRange) => {
    const got = await ask("GET", "get/ten", { headers: { range } });
    expect([got.status, got.text, got.headers["content-range"]]).toEqual([206, part, contentRange]);
    expect(got.headers["repr-digest"]).toBe(reprDigest(text));
  });

  it.each(["bytes=10-", "bytes=-0", "bytes=99-100"])("refuse the range %s", async (range) => {
    const got = await ask("GET", "get/ten", { headers: { range } });
    expect(got.problem).toEqual([416, "range_not_satisfiable"]);
    expect(got.headers["content-range"]).toBe("bytes */10");
  });

  it.each(["bytes=0-1,4-5", "lines=1-2", "nonsense"])("send the whole file for the range %s", async (range) => {
    const got = await ask("GET", "get/ten", { headers: { range } });
    expect([got.status, got.text]).toEqual([200, text]);
  });

  it("take a range back when If-Range names another version", async () => {
    const etag = `"${sha256(text)}"`;
    const get = (ifRange: string) => ask("GET", "get/ten", { headers: { range: "bytes=0-1", "if-range": ifRange } });
    expect((await get(etag)).status).toBe(206);
    expect((await get(`"${MISSING_DIGEST}"`)).status).toBe(200);
    expect((await get(new Date().toUTCString())).status).toBe(200);
  });

  it("answer HEAD whole, whatever the range", async () => {
    const head = await ask("HEAD", "get/ten", { headers: { range: "bytes=0-1" } });
    expect([head.status, head.headers["content-length"]]).toEqual([200, "10"]);
  });

  it("answer conditions with 304 and 412", async () => {
    const etag = `"${sha256(text)}"`;
    for (const method of ["GET", "HEAD"]) {
      const status = async (headers: Record<string, string>) => (await ask(method, "get/ten", { headers })).status;
      expect(await status({ "if-none-match": etag })).toBe(304);
      expect(await status({ "if-none-match": `W/${etag}` })).toBe(304);
      expect(await status({ "if-none-match": `"${MISSING_DIGEST}"` })).toBe(200);
      expect(await status({ "if-match": etag })).toBe(200);
      expect(await status({ "if-match": `"${MISSING_DIGEST}"` })).toBe(412);
      expect(await status({ "if-modified-since": new Date(Date.now() + 60_000).toUTCString() })).toBe(304);
      expect(await status({ "if-unmodified-since": new Date(0).toUTCString() })).toBe(412);
      expect(await status({ "if-match": "nonsense" })).toBe(400);
    }
    const cached = await ask("GET", "get/ten", { headers: { "if-none-match": etag } });
    expect([cached.headers.etag, cached.text]).toEqual([etag, ""]);
  });

  it("say what is missing: the file or its namespace", async () => {
    expect((await ask("GET", "get/none")).problem).toEqual([404, "not_found"]);
    expect((await send(test.port, { path: "/v1/files/nowhere/a" })).problem).toEqual([404, "namespace_not_found"]);
    const head = await ask("HEAD", "get/none");
    expect([head.status, head.headers["koboldfs-error"]]).toEqual([404, "not_found"]);
  });
});

describe("DELETE of a file", () => {
  it("makes it gone and says which version says so", async () => {
    const put = await ask("PUT", "delete/me", { body: "x" });
    const deleted = await ask("DELETE", "delete/me");
    expect(deleted.status).toBe(204);
    expect(Number(deleted.headers["koboldfs-version"])).toBeGreaterThan(put.json<PutReply>().version);
    expect((await ask("GET", "delete/me")).problem).toEqual([404, "not_found"]);
    expect((await ask("DELETE", "delete/me")).problem).toEqual([404, "not_found"]);
  });

  it("says when the namespace does not exist", async () => {
    const reply = await send(test.port, { method: "DELETE", path: "/v1/files/nowhere/a" });
    expect(reply.problem).toEqual([404, "namespace_not_found"]);
  });
});
