import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer();
});
afterAll(() => test.close());

let name = "";
let count = 0;
beforeEach(async () => {
  count += 1;
  name = `past-${count}`;
  await call("PUT", `/v1/namespaces/${name}`, "{}");
});

async function call(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const type = { "content-type": "application/json" };
  return send(test.port, { method, path, headers: { ...type, ...headers }, ...(body !== undefined && { body }) });
}

async function put(key: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  const reply = await call("PUT", `/v1/files/${name}/${key}`, body, headers);
  return reply.json<{ version: number }>().version;
}

const get = (path: string) => call("GET", `/v1/files/${name}${path}`);
const batch = (...operations: object[]) => call("POST", `/v1/files/${name}`, JSON.stringify({ operations }));

async function codeOf(reply: ReturnType<typeof call>): Promise<string> {
  return (await reply).json<{ code: string }>().code;
}

describe("the past of a file", () => {
  it("is read by version, and as of a number or a time", async () => {
    const [one, two] = [await put("a", "first"), await put("a", "second")];
    expect((await get(`/a?version=${one}`)).text).toBe("first");
    expect((await get(`/a?as-of=${one}`)).text).toBe("first");
    expect((await get(`/a?as-of=${two}`)).text).toBe("second");
    const now = encodeURIComponent(new Date().toISOString());
    expect((await get(`/a?as-of=${now}`)).text).toBe("second");
    const head = await call("HEAD", `/v1/files/${name}/a?version=${one}`);
    expect(head.headers).toMatchObject({ "koboldfs-version": String(one), "content-length": "5" });
  });

  it("is not in the mirror: consistency goes with nothing else", async () => {
    const one = await put("a", "first");
    expect((await get("/a?consistency=strong")).text).toBe("first");
    for (const query of [`version=${one}&consistency=mirror`, "url&consistency=mirror", "consistency=soon"]) {
      expect(await codeOf(get(`/a?${query}`))).toBe("invalid_request");
    }
    const { id } = (await call("POST", "/v1/transactions", "{}")).json<{ id: string }>();
    const inside = call("GET", `/v1/files/${name}/a?consistency=mirror`, undefined, { "koboldfs-transaction": id });
    expect(await codeOf(inside)).toBe("invalid_request");
  });

  it("is listed, the newest version first, with the moments of which it was deleted", async () => {
    const one = await put("a", "first");
    await call("DELETE", `/v1/files/${name}/a`);
    const two = await put("a", "second");
    const { versions } = (await get("/a?versions")).json<{ versions: { version: number; deleted: boolean }[] }>();
    expect(versions.map(({ version, deleted }) => [version, deleted])).toEqual([
      [two, false],
      [two - 1, true],
      [one, false],
    ]);
    const page = (await get("/a?versions&limit=1")).json<{ next: number }>();
    expect((await get(`/a?versions&limit=1&before=${page.next}`)).json()).toMatchObject({
      versions: [{ version: two - 1, deleted: true }, { version: one }],
    });
  });

  it.each([
    "?version=x",
    "?as-of=yesterday",
    "?as-of=2026-01-01T00:00:00",
    "?versions&version=1",
    "?foo=1",
    "?limit=1",
  ])("is refused for %s", async (query) => {
    expect(await codeOf(get(`/a${query}`))).toBe("invalid_request");
  });

  it("is history_gone before the namespace began, and version_not_found for a number of something else", async () => {
    const one = await put("a", "first");
    expect(await codeOf(get("/a?as-of=2020-01-01T00:00:00Z"))).toBe("history_gone");
    expect(await codeOf(get("?as-of=1"))).toBe("history_gone");
    expect(await codeOf(get(`/b?version=${one}`))).toBe("version_not_found");
    expect(await codeOf(get(`/a?as-of=${one + 1000}`))).toBe("invalid_request");
  });
});

describe("undoing", () => {
  it("undeletes and restores by the batch, each decided alone", async () => {
    const one = await put("a", "first");
    await put("a", "second");
    await call("DELETE", `/v1/files/${name}/a`);
    expect((await get("?deleted")).json()).toMatchObject({ files: [{ key: "a", size: 6 }] });
    const { results } = (
      await batch({ op: "undelete", key: "a" }, { op: "undelete", key: "a" }, { op: "restore", key: "a", version: one })
    ).json<{ results: { ok: boolean; error?: { code: string } }[] }>();
    expect(results.map((result) => result.error?.code ?? result.ok)).toEqual([true, "not_deleted", true]);
    expect((await get("/a")).text).toBe("first");
  });

  it("restores a prefix in one commit", async () => {
    await put("p/a", "1");
    const asOf = String(await put("p/b", "2"));
    await put("p/a", "other");
    await put("p/c", "3");
    await call("DELETE", `/v1/files/${name}/p/b`);
    const restore = await call("POST", `/v1/restores/${name}`, JSON.stringify({ prefix: "p/", asOf }));
    expect(restore.json()).toMatchObject({ restored: 2, removed: 1 });
    const keys = (await get("?prefix=p/")).json<{ files: { key: string }[] }>().files.map((file) => file.key);
    expect(keys).toEqual(["p/a", "p/b"]);
    expect((await get("/p/a")).text).toBe("1");
    expect((await get(`?as-of=${asOf}&prefix=p/`)).json<{ files: object[] }>().files).toHaveLength(2);
  });

  it("cannot undo a purge", async () => {
    const one = await put("a", "secret");
    expect((await call("POST", `/v1/purges/${name}`, '{"key":"a"}')).json()).toMatchObject({ purged: 1 });
    expect(await codeOf(get("/a"))).toBe("not_found");
    expect(await codeOf(get(`/a?version=${one}`))).toBe("version_not_found");
    expect(await codeOf(get(`/a?as-of=${one}`))).toBe("not_found");
    expect(await codeOf(call("POST", `/v1/purges/${name}`, '{"key":"a"}'))).toBe("not_found");
  });
});

describe("expiry", () => {
  it("is given with a put, told with the file, and makes it absent", async () => {
    await put("kept", "1", { "koboldfs-expires": "3600" });
    expect((await get("/kept")).headers["koboldfs-expires"]).toMatch(/^\d{4}-/);
    await put("gone", "1", { "koboldfs-expires": "2020-01-01T00:00:00Z" });
    expect(await codeOf(get("/gone"))).toBe("not_found");
    const { files } = (await get("")).json<{ files: { key: string; expires: string }[] }>();
    expect(files).toMatchObject([{ key: "kept", expires: expect.stringContaining("T") as string }]);
    const bad = await call("PUT", `/v1/files/${name}/bad`, "1", { "koboldfs-expires": "soon" });
    expect(bad.json()).toMatchObject({ code: "invalid_request" });
  });
});
