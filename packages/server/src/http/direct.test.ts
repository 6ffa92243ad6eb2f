import { createHash } from "node:crypto";
import type { DirectUrlReply, TransactionInfo } from "@koboldfs/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawReply, send } from "./raw-client.js";
import { startTestServer, TEST_URL_KEY, type TestServer } from "./test-server.js";

const CONTENT = Buffer.from("the bytes of a cat");
const DIGEST = createHash("sha256").update(CONTENT).digest("hex");
const TEMPLATE = "{url}/direct/{namespace}/{path}/{name}";
const PATH = `ab/cd/${"0".repeat(64)}`;

let test: TestServer;
beforeAll(async () => {
  const locate = async ({ namespace, digest }: { namespace: string; digest: string }) => ({
    ...{ volume: 1, pathInVolume: `${namespace}/${digest}`, path: `/disk/${namespace}/${digest}` },
    sizeBytes: CONTENT.length,
  });
  test = await startTestServer({ peers: ["anna"], locate });
  await putNamespace("open", TEMPLATE);
  await putNamespace("closed", `${TEMPLATE}?{signature}`);
  await putNamespace("none");
  for (const namespace of ["open", "closed", "none"]) await put(namespace, "a/cat ü.html", CONTENT);
});
afterAll(() => test.close());

async function putNamespace(name: string, urlTemplate?: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(urlTemplate === undefined ? {} : { urlTemplate });
  expect((await send(test.port, { method: "PUT", path: `/v1/namespaces/${name}`, headers, body })).status).toBe(200);
}

function put(namespace: string, key: string, body: Buffer, headers = {}): Promise<RawReply> {
  return send(test.port, {
    ...{ method: "PUT", path: `/v1/files/${namespace}/${encodeURIComponent(key)}`, body },
    headers: { "content-type": "text/x-cat", ...headers },
  });
}

async function urlOf(namespace: string, query = ""): Promise<URL> {
  const reply = await send(test.port, { path: `/v1/files/${namespace}/a/cat%20%C3%BC.html?url${query}` });
  expect(reply.status).toBe(200);
  return new URL(reply.json<DirectUrlReply>().url);
}

const get = (url: URL | string, headers = {}, method = "GET") =>
  send(test.port, { path: typeof url === "string" ? url : `${url.pathname}${url.search}`, headers, method });

describe("the direct URL of a file", () => {
  it("is made from the namespace's template, and signed when that asks for it", async () => {
    const open = await urlOf("open");
    expect(open.pathname).toMatch(new RegExp(`^/direct/open/../../${DIGEST}/cat%20%C3%BC\\.html$`));
    expect(open.search).toBe("");
    const closed = await urlOf("closed", "&ttl=60");
    const expires = Number(closed.searchParams.get("e")) - Date.now() / 1000;
    expect(closed.searchParams.get("k")).toBe(TEST_URL_KEY.id);
    expect(Math.round(expires / 10)).toBe(6);
  });

  it("tells which prepared transaction is about to change the key, or to name it", async () => {
    const post = (path: string) => send(test.port, { method: "POST", path: `/v1/transactions${path}` });
    const tx = (await post("")).json<TransactionInfo>().id;
    const headers = { "koboldfs-transaction": tx };
    for (const key of ["a/cat ü.html", "a/kitten"]) await put("open", key, Buffer.from("next"), headers);
    const tellOf = async (key: string) => {
      const reply = await get(`/v1/files/open/${encodeURIComponent(key)}?url`);
      return [reply.status, reply.headers["koboldfs-transaction"]];
    };
    expect(await tellOf("a/cat ü.html")).toEqual([200, undefined]);
    await post(`/${tx}/prepare`);
    expect(await tellOf("a/cat ü.html")).toEqual([200, tx]);
    expect(await tellOf("a/kitten")).toEqual([404, tx]);
    await post(`/${tx}/abort`);
    expect(await tellOf("a/kitten")).toEqual([404, undefined]);
  });

  it("is refused without a template, without the file, and when it is asked for wrongly", async () => {
    const problem = async (path: string) => (await get(path)).problem;
    expect(await problem("/v1/files/none/a%2Fcat%20%C3%BC.html?url")).toEqual([404, "no_direct_url"]);
    expect(await problem("/v1/files/open/gone?url")).toEqual([404, "not_found"]);
    for (const query of ["url&ttl=0", "url&ttl=99999999", "url&zone=A!", "url&version=1", "ttl=5"]) {
      expect([query, ...(await problem(`/v1/files/open/a%2Fcat%20%C3%BC.html?${query}`))]).toEqual([
        ...[query, 400],
        query.includes("zone") ? "invalid_node_name" : "invalid_request",
      ]);
    }
  });

  it("leads to no node that owes the bytes", async () => {
    const { digest } = (await put("open", "owed", Buffer.from("owed"))).json<{ digest: string }>();
    const blob = { namespace: "open", digest } as never;
    const debts = test.cluster.nodes().map(({ id }) => ({ ...{ node: id, sizeBytes: 4, copies: 1, number: 1 } }));
    for (const debt of debts) await test.catalog.addDebt({ ...debt, ...(blob as object) } as never);
    expect((await get("/v1/files/open/owed?url")).problem).toEqual([404, "no_direct_url"]);
    await test.catalog.settleDebts(debts.slice(0, 1).map((debt) => ({ ...debt, ...(blob as object) }) as never));
    expect((await get("/v1/files/open/owed?url")).status).toBe(200);
  });
});

describe("what a direct URL names", () => {
  it("is sent with the type of the name, to be kept for ever", async () => {
    const reply = await get(await urlOf("open"));
    expect([reply.status, reply.text]).toEqual([200, CONTENT.toString()]);
    expect(reply.headers).toMatchObject({
      "content-type": "text/html",
      "cache-control": "public, max-age=31536000, immutable",
      "content-security-policy": "sandbox",
      etag: `"${DIGEST}"`,
    });
    expect((await get(await urlOf("closed"))).headers["cache-control"]).toMatch(/^private, .*immutable$/);
  });

  it("is sent in parts, told by HEAD, and not sent again to who has it", async () => {
    const url = await urlOf("closed");
    const part = await get(url, { range: "bytes=4-8" });
    expect([part.status, part.text, part.headers["content-range"]]).toEqual([206, "bytes", "bytes 4-8/18"]);
    expect((await get(url, { range: "bytes=99-" })).problem).toEqual([416, "range_not_satisfiable"]);
    const head = await get(url, {}, "HEAD");
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([200, "", "18"]);
    expect((await get(url, { "if-none-match": `"${DIGEST}"` })).status).toBe(304);
  });

  it("is refused unless namespace, bytes, file name and expiry are those that were signed", async () => {
    const url = await urlOf("closed");
    const changed = (from: string | RegExp, to: string) => `${url.pathname}${url.search}`.replace(from, to);
    const forged = [url.pathname, changed(".html", ".txt"), changed("closed", "none"), changed(/e=\d/, "e=9")];
    for (const path of forged) expect((await get(path)).problem).toEqual([403, "url_forged"]);
    const past = changed(/&e=\d+/, "&e=1");
    expect((await get(past)).problem).toEqual([403, "url_forged"]);
  });

  it("is not found when it is not here or was never one", async () => {
    const url = (await urlOf("open")).pathname;
    expect((await get(url.replace(/[^/]{64}/, `${DIGEST.slice(0, 63)}x`))).problem).toEqual([404, "route_not_found"]);
    expect((await get(`/direct/open/${PATH}/cat`)).problem).toEqual([404, "route_not_found"]);
    const other = createHash("sha256").update("never stored").digest("hex");
    const path = `${other.slice(0, 2)}/${other.slice(2, 4)}/${other}`;
    expect((await get(`/direct/open/${path}/cat`)).problem).toEqual([404, "not_found"]);
    expect((await get(`/direct/open/${path}/a/b`)).problem).toEqual([404, "route_not_found"]);
  });
});

describe("a web server in front", () => {
  const file = "/v1/files/open/a%2Fcat%20%C3%BC.html";

  it("is told where the bytes are, in its own words", async () => {
    const accel = await get(file, { "x-sendfile-type": "X-Accel-Redirect" });
    expect([accel.status, accel.text]).toEqual([200, ""]);
    expect(accel.headers).toMatchObject({
      "x-accel-redirect": `/koboldfs-accel/1/open/${DIGEST}`,
      "content-type": "text/x-cat",
      etag: `"${DIGEST}"`,
    });
    const sendfile = await get(file, { "x-sendfile-type": "X-Sendfile" });
    expect(sendfile.headers["x-sendfile"]).toBe(`/disk/open/${DIGEST}`);
    const direct = await get(await urlOf("closed"), { "x-sendfile-type": "X-Sendfile" });
    expect(direct.headers["x-sendfile"]).toBe(`/disk/closed/${DIGEST}`);
  });

  it("gets the bytes themselves when it asks for a condition, has other words, or would lose metadata", async () => {
    const marked = { "x-sendfile-type": "X-Accel-Redirect" };
    expect((await get(file, { ...marked, "if-match": `"${DIGEST}"` })).text).toBe(CONTENT.toString());
    expect((await get(file, { "x-sendfile-type": "X-Other" })).text).toBe(CONTENT.toString());
    await put("open", "with", CONTENT, { "koboldfs-meta-author": "me" });
    expect((await get("/v1/files/open/with", marked)).text).toBe(CONTENT.toString());
    await put("open", "short", Buffer.from("shorter than the file on the disk"));
    expect((await get("/v1/files/open/short", marked)).text).toBe("shorter than the file on the disk");
  });

  it("is told nothing when the operator did not say so", async () => {
    const plain = await startTestServer();
    await send(plain.port, { method: "PUT", path: "/v1/namespaces/open" });
    await send(plain.port, { method: "PUT", path: "/v1/files/open/a", body: "a" });
    const reply = await send(plain.port, { path: "/v1/files/open/a", headers: { "x-sendfile-type": "X-Sendfile" } });
    expect([reply.text, reply.headers["x-sendfile"]]).toEqual(["a", undefined]);
    await plain.close();
  });
});
