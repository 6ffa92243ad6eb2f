import { createHash } from "node:crypto";
import {
  BUNDLE_TYPE,
  type BundledName,
  type Digest,
  type FileInfo,
  type NamespaceName,
  type Problem,
} from "@koboldfs/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawReply, send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer({ peers: ["anna"] });
  await send(test.port, { method: "PUT", path: "/v1/namespaces/small" });
});
afterAll(() => test.close());

async function put(key: string, body: string | Buffer): Promise<string> {
  await send(test.port, { method: "PUT", path: `/v1/files/small/${encodeURIComponent(key)}`, body });
  return createHash("sha256").update(body).digest("hex");
}

function ask(files: readonly (BundledName | object)[], namespace = "small"): Promise<RawReply> {
  return send(test.port, {
    method: "POST",
    path: `/v1/bundles/${namespace}`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ files }),
  });
}

const repeat = (times: number, key: string) => Array.from({ length: times }, () => ({ key }));

/** Each file's line, and its bytes when it has some. */
function takeApart({ body }: RawReply): [key: string, content: string][] {
  const entries: [string, string][] = [];
  for (let position = 0; position < body.length; ) {
    const end = body.indexOf("\n", position);
    const line = JSON.parse(body.toString("utf8", position, end)) as FileInfo & { error?: Problem };
    const size = line.error === undefined ? line.size : 0;
    const content = line.error?.code ?? body.toString("utf8", end + 1, end + 1 + size);
    entries.push([line.key, content]);
    position = end + 1 + size;
  }
  return entries;
}

describe("a bundle", () => {
  it("has the files in the order in which they were asked for, with what each is", async () => {
    const digest = await put("b/ü\n", "second\n{}\n");
    await put("a", "first");
    await put("empty", "");
    const reply = await ask([{ key: "b/ü\n" }, { key: "empty" }, { key: "a" }, { key: "b/ü\n" }]);
    expect(reply.headers["content-type"]).toBe(BUNDLE_TYPE);
    expect(takeApart(reply)).toEqual([
      ["b/ü\n", "second\n{}\n"],
      ["empty", ""],
      ["a", "first"],
      ["b/ü\n", "second\n{}\n"],
    ]);
    const [line = ""] = reply.text.split("\n");
    expect(JSON.parse(line)).toMatchObject({ digest, size: 10, contentType: "application/octet-stream" });
  });

  it("says of each file alone why it is not there", async () => {
    const digest = await put("here", "here");
    const other = "0".repeat(64);
    await put("large", Buffer.alloc(256 * 1024 + 1));
    const reply = await ask([
      { key: "gone" },
      { key: "here", ifMatch: digest },
      { key: "here", ifMatch: other },
      { key: "large" },
    ]);
    expect(takeApart(reply)).toEqual([
      ["gone", "not_found"],
      ["here", "here"],
      ["here", "precondition_failed"],
      ["large", "too_large"],
    ]);
  });

  it("leaves out what does not fit any more", async () => {
    await put("quarter", Buffer.alloc(256 * 1024, 1));
    const codes = takeApart(await ask(repeat(34, "quarter"))).map(([, content]) => content.length);
    expect(codes).toEqual([...Array<number>(32).fill(256 * 1024), "too_large".length, "too_large".length]);
  });

  it("has a file whose bytes this node lost from a peer, and says which one no node has", async () => {
    const [one, two] = [await put("lost here", "lost here"), await put("lost", "lost")];
    const refOf = (digest: string) => ({ namespace: "small" as NamespaceName, digest: digest as Digest });
    test.memory["self"]!.remove(refOf(one));
    for (const store of Object.values(test.memory)) store.remove(refOf(two));
    expect(takeApart(await ask([{ key: "lost" }, { key: "lost here" }]))).toEqual([
      ["lost", "blob_unavailable"],
      ["lost here", "lost here"],
    ]);
  });

  it("is refused when it makes no sense", async () => {
    expect((await ask([])).problem).toEqual([400, "invalid_request"]);
    expect((await ask(repeat(1001, "a"))).problem).toEqual([400, "invalid_request"]);
    expect((await ask([{ key: "" }])).problem).toEqual([400, "invalid_key"]);
    expect((await ask([{ key: "a", ifMatch: "short" }])).problem).toEqual([400, "invalid_request"]);
    expect((await ask([{ key: "a" }], "nowhere")).problem).toEqual([404, "namespace_not_found"]);
  });
});
