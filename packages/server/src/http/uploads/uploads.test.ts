import { createHash } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, request } from "node:http";
import { KoboldError } from "@koboldfs/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { UploadService } from "../../files/uploads/upload-service.js";
import type { UploadRecord } from "../../model/upload.js";
import { systemClock } from "../../runtime/clock.js";
import { SimulatedClock } from "../../runtime/simulated-clock.js";
import { openConnection, readReply, send } from "../raw-client.js";
import { startTestServer, type TestServer } from "../test-server.js";
import { pathOf, TestTusClient } from "./test-tus-client.js";

const sha = (algorithm: string, text: string) => createHash(algorithm).update(text).digest("base64");
const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");

let test: TestServer;
let tus: TestTusClient;
let clock: SimulatedClock;
beforeAll(async () => {
  // The catalog reads the real monotonic clock when it judges the age of a placement.
  clock = new SimulatedClock(Date.now(), systemClock.monotonic());
  test = await startTestServer({ peers: ["anna"], clock });
  tus = new TestTusClient(test.port);
});
afterEach(() => {
  for (const store of Object.values(test.stores)) store.heal();
});
afterAll(() => test.close());

const read = async (key: string) => (await send(test.port, { path: `/v1/files/demo/${key}` })).text;
const statusOf = async (key: string) => (await send(test.port, { path: `/v1/files/demo/${key}` })).status;

/** A piece whose body goes when the test says so. */
function openPatch(
  path: string,
  lengthBytes: number,
): { call: ClientRequest; reply: Promise<Awaited<ReturnType<typeof readReply>>> } {
  const call = request({
    ...{ host: "127.0.0.1", port: test.port, method: "PATCH", path, agent: false },
    headers: {
      "tus-resumable": "1.0.0",
      "upload-offset": "0",
      "content-type": "application/offset+octet-stream",
      "content-length": String(lengthBytes),
    },
  });
  const reply = once(call, "response").then(([response]) => readReply(response));
  // Some tests break it off; what they look at then is the upload.
  reply.catch(() => {});
  call.on("error", () => {});
  return { call, reply };
}

describe("a resumable upload", () => {
  it("goes in pieces and becomes a file with the last one, whose answer is that of a put", async () => {
    const path = await tus.begin("pieces", 10, { "content-type": "text/plain", "meta-title": "naïve" });
    const first = await tus.patch(path, 0, "hello");
    expect([first.status, first.headers["upload-offset"]]).toEqual([204, "5"]);
    expect(Date.parse(first.headers["upload-expires"] as string)).toBeGreaterThan(clock.now());
    expect((await tus.head(path)).headers["upload-offset"]).toBe("5");
    expect(await statusOf("pieces")).toBe(404);
    const last = await tus.patch(path, 5, "world");
    expect([last.status, last.headers]).toEqual([
      204,
      expect.objectContaining({
        "tus-resumable": "1.0.0",
        "upload-offset": "10",
        etag: `"${digestOf("helloworld")}"`,
        "koboldfs-copies": "2",
        "koboldfs-wanted": "2",
        "content-location": "/v1/files/demo/pieces",
      }),
    ]);
    const file = await send(test.port, { path: "/v1/files/demo/pieces" });
    expect(file.text).toBe("helloworld");
    expect(file.headers).toMatchObject({
      "content-type": "text/plain",
      "koboldfs-meta-title*": "UTF-8''na%C3%AFve",
      "koboldfs-version": last.headers["koboldfs-version"],
    });
    expect(test.uploadStore.heldBytes).toBe(0);
  });

  it("tells its outcome again, and makes no second version, however often it is asked", async () => {
    const path = await tus.begin("once", 5);
    const done = await tus.patch(path, 0, "hello");
    const again = await tus.patch(path, 5, "");
    const head = await tus.head(path);
    for (const reply of [again, head]) {
      expect(reply.headers["koboldfs-version"]).toBe(done.headers["koboldfs-version"]);
    }
    expect(head.headers).toMatchObject({ "upload-offset": "5", "upload-length": "5", "cache-control": "no-store" });
    const { reply } = (await send(test.port, { path })).json<{ reply: { version: number } }>();
    expect(String(reply.version)).toBe(done.headers["koboldfs-version"]);
  });

  it("may come whole with its creation, and may be empty", async () => {
    const whole = await tus.create("whole", 5, { body: "hello" });
    expect([whole.status, whole.json()]).toEqual([201, expect.objectContaining({ size: 5, copies: 2, wanted: 2 })]);
    expect(whole.headers["upload-offset"]).toBe("5");
    expect(await read("whole")).toBe("hello");
    const part = await tus.create("part", 10, { body: "hello" });
    expect([part.status, part.headers["upload-offset"], part.text]).toEqual([201, "5", ""]);
    expect((await tus.patch(pathOf(part), 5, "world")).status).toBe(204);
    expect(await read("part")).toBe("helloworld");
    const empty = await tus.create("empty", 0);
    expect([empty.status, empty.json()]).toEqual([201, expect.objectContaining({ size: 0 })]);
    expect(await statusOf("empty")).toBe(200);
  });

  it("gives back what was said of it", async () => {
    const path = await tus.begin("said", 5, { filename: "a.txt", filetype: "text/html" });
    const head = await tus.head(path);
    expect(head.headers["upload-metadata"]).toContain("filename YS50eHQ=");
    await tus.patch(path, 0, "hello");
    expect((await send(test.port, { path: "/v1/files/demo/said" })).headers["content-type"]).toBe("text/html");
  });

  it("describes what it speaks, to everybody who asks", async () => {
    const reply = await send(test.port, { method: "OPTIONS", path: "/v1/uploads" });
    expect([reply.status, reply.headers]).toEqual([
      204,
      expect.objectContaining({
        "tus-resumable": "1.0.0",
        "tus-version": "1.0.0",
        "tus-extension": "creation,creation-with-upload,expiration,checksum,termination",
        "tus-checksum-algorithm": "sha1,sha256",
      }),
    ]);
  });

  it("takes the method from X-HTTP-Method-Override", async () => {
    const path = await tus.begin("override", 5);
    const headers = { "x-http-method-override": "PATCH", "content-type": "application/offset+octet-stream" };
    const reply = await tus.request("POST", path, { headers: { ...headers, "upload-offset": "0" }, body: "hello" });
    expect(reply.status).toBe(204);
    expect(await read("override")).toBe("hello");
    expect((await tus.request("POST", path)).problem).toEqual([405, "method_not_allowed"]);
  });
});

describe("a piece", () => {
  it("with the wrong checksum is refused with 460, and nothing of it is kept", async () => {
    const path = await tus.begin("checked", 10);
    const wrong = await tus.patch(path, 0, "hello", { "upload-checksum": `sha256 ${sha("sha256", "other")}` });
    expect(wrong.problem).toEqual([460, "checksum_mismatch"]);
    expect(wrong.headers["tus-resumable"]).toBe("1.0.0");
    expect(test.uploadStore.heldBytes).toBe(0);
    expect((await tus.head(path)).headers["upload-offset"]).toBe("0");
    for (const [offset, algorithm, text] of [
      [0, "sha1", "hello"],
      [5, "sha256", "world"],
    ] as const) {
      const headers = { "upload-checksum": `${algorithm} ${sha(algorithm, text)}` };
      expect((await tus.patch(path, offset, text, headers)).status).toBe(204);
    }
    expect(await read("checked")).toBe("helloworld");
  });

  it.each([
    ["an algorithm nobody announced", "md5 AAAA"],
    ["no base64", "sha1 !!!"],
    ["a digest of another length", "sha256 AAAA"],
  ])("whose checksum has %s is refused", async (_, checksum) => {
    const path = await tus.begin("checked-badly", 5);
    const reply = await tus.patch(path, 0, "hello", { "upload-checksum": checksum });
    expect(reply.problem).toEqual([400, "invalid_request"]);
    expect((await tus.head(path)).headers["upload-offset"]).toBe("0");
  });

  it("at another offset is refused with 409 and changes nothing", async () => {
    const path = await tus.begin("offset", 10);
    await tus.patch(path, 0, "hello");
    for (const offset of [0, 4, 6]) {
      expect((await tus.patch(path, offset, "xxx")).problem).toEqual([409, "upload_offset_mismatch"]);
    }
    await tus.patch(path, 5, "world");
    expect(await read("offset")).toBe("helloworld");
  });

  it("that is longer than the rest of the upload is refused, and names nothing", async () => {
    const path = await tus.begin("long", 5);
    expect((await tus.patch(path, 0, "hello world")).problem).toEqual([400, "body_too_long"]);
    const { socket, received } = openConnection(test.port);
    const head = `PATCH ${path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nConnection: close`;
    socket.write(`${head}\r\nContent-Type: application/offset+octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n`);
    socket.end("6\r\nhello!\r\n0\r\n\r\n");
    expect(await received).toMatch(/^HTTP\/1\.1 400.*"code":"body_too_long"/s);
    expect((await tus.head(path)).headers["upload-offset"]).toBe("0");
    expect(await statusOf("long")).toBe(404);
  });

  it("that breaks off counts as far as it came", async () => {
    const path = await tus.begin("broken", 10);
    const { socket, received } = openConnection(test.port);
    const head = `PATCH ${path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 10`;
    socket.end(`${head}\r\nContent-Type: application/offset+octet-stream\r\n\r\nhello`);
    expect(await received).toMatch(/^HTTP\/1\.1 400.*"code":"body_too_short"/s);
    expect((await tus.head(path)).headers["upload-offset"]).toBe("5");
    expect((await tus.patch(path, 5, "world")).status).toBe(204);
    expect(await read("broken")).toBe("helloworld");
  });

  it("that arrives while another is arriving is refused with 423", async () => {
    const path = await tus.begin("concurrent", 10);
    const { call, reply } = openPatch(path, 10);
    call.write("hello");
    await expect.poll(async () => (await tus.patch(path, 0, "HELLOWORLD")).status).toBe(423);
    call.end("world");
    expect((await reply).status).toBe(204);
    expect(await read("concurrent")).toBe("helloworld");
  });

  it("whose sender fell silent gives way to who asks for the offset, and what arrived of it counts", async () => {
    const path = await tus.begin("silent", 10);
    const { call, reply } = openPatch(path, 10);
    call.write("hello");
    await expect.poll(async () => (await tus.patch(path, 0, "HELLOWORLD")).status).toBe(423);
    expect((await tus.head(path)).headers["upload-offset"]).toBe("5");
    expect((await reply).problem).toEqual([423, "upload_locked"]);
    call.destroy();
    expect((await tus.patch(path, 5, "world")).status).toBe(204);
    expect(await read("silent")).toBe("helloworld");
  });

  it("without its content type, or with an encoding, is refused with 415", async () => {
    const path = await tus.begin("type", 5);
    for (const headers of [{ "content-type": "text/plain" }, { "content-encoding": "gzip" }]) {
      expect((await tus.patch(path, 0, "hello", headers)).problem).toEqual([415, "unsupported_media_type"]);
    }
  });
});

describe("an upload that is refused", () => {
  it("of a full disk gets 507, at its creation and in the middle, and goes on when there is room", async () => {
    const full = await startTestServer();
    const client = new TestTusClient(full.port);
    full.uploadStore.capacityBytes = 5;
    const path = await client.begin("full", 5);
    expect((await client.create("another", 1)).problem).toEqual([507, "disk_full"]);
    full.uploadStore.capacityBytes = 3;
    expect((await client.patch(path, 0, "hello")).problem).toEqual([507, "disk_full"]);
    expect((await client.head(path)).headers["upload-offset"]).toBe("0");
    full.uploadStore.capacityBytes = 5;
    expect((await client.patch(path, 0, "hello")).status).toBe(204);
    await full.close();
  });

  it("by a condition is told at its creation, or at its end, and leaves the file as it was", async () => {
    await send(test.port, { method: "PUT", path: "/v1/files/demo/there", body: "old" });
    const metadata = { "if-none-match": "*" };
    expect((await tus.create("there", 5, { metadata })).problem).toEqual([412, "precondition_failed"]);
    const path = await tus.begin("there-later", 5, metadata);
    await send(test.port, { method: "PUT", path: "/v1/files/demo/there-later", body: "old" });
    expect((await tus.patch(path, 0, "hello")).problem).toEqual([412, "precondition_failed"]);
    expect((await tus.head(path)).headers["koboldfs-error"]).toBe("precondition_failed");
    expect((await send(test.port, { path })).json()).toMatchObject({ error: { code: "precondition_failed" } });
    expect(await read("there-later")).toBe("old");
    expect(test.uploadStore.heldBytes).toBe(0);
  });

  it("because it has not the announced digest names nothing and keeps no bytes", async () => {
    const path = await tus.begin("digest", 5, { digest: digestOf("other") });
    expect((await tus.patch(path, 0, "hello")).problem).toEqual([400, "digest_mismatch"]);
    expect(await statusOf("digest")).toBe(404);
    expect(test.uploadStore.heldBytes).toBe(0);
    const right = await tus.begin("digest", 5, { digest: digestOf("hello") });
    expect((await tus.patch(right, 0, "hello")).status).toBe(204);
  });

  it("because its bytes changed on the disk names nothing", async () => {
    const path = await tus.begin("rot", 5);
    await withoutCommits(() => tus.patch(path, 0, "hello"));
    test.uploadStore.damage((await recordOf("rot")).id);
    expect((await tus.patch(path, 5, "")).problem).toEqual([400, "digest_mismatch"]);
    expect(await statusOf("rot")).toBe(404);
  });
});

/** Answers the one record of an upload of the key. */
async function recordOf(key: string): Promise<UploadRecord> {
  const [record] = (await test.uploadStore.load()).filter(({ intent }) => intent.key === key);
  if (record === undefined) throw new Error(`no upload of ${key}`);
  return record;
}

async function withoutCommits<T>(action: () => Promise<T>): Promise<T> {
  const { commit } = test.catalog;
  test.catalog.commit = () => Promise.reject(new KoboldError("catalog_unavailable", "a fault of the test"));
  try {
    return await action();
  } finally {
    test.catalog.commit = commit;
  }
}

describe("an upload that cannot be named now", () => {
  it("keeps its bytes, says no last offset, and is named when somebody asks again", async () => {
    const path = await tus.begin("later", 5);
    await withoutCommits(async () => {
      expect((await tus.patch(path, 0, "hello")).problem).toEqual([503, "catalog_unavailable"]);
      const head = await tus.head(path);
      expect([head.status, head.headers["upload-offset"]]).toEqual([503, undefined]);
    });
    const healed = await tus.head(path);
    expect([healed.status, healed.headers["upload-offset"]]).toEqual([200, "5"]);
    expect(healed.headers["koboldfs-version"]).toMatch(/^\d+$/);
    expect(await read("later")).toBe("hello");
  });

  it("is one version although the node died after the commit and before it noted that", async () => {
    const path = await tus.begin("died", 5);
    const { settle } = test.uploadStore;
    test.uploadStore.settle = () => Promise.reject(new KoboldError("disk_failed", "a fault of the test"));
    const first = await tus.patch(path, 0, "hello");
    expect(first.status).toBe(204);
    test.uploadStore.settle = settle;
    const record = await recordOf("died");
    expect([record.offset, record.outcome]).toEqual([5, undefined]);
    const { context, files } = test;
    const options = { context, files, store: test.uploadStore, ttlMs: 1000, createId: () => "0".repeat(32) };
    const next = await UploadService.open(options);
    const { outcome } = await next.resume(record.id);
    expect(outcome).toMatchObject({ reply: { version: Number(first.headers["koboldfs-version"]) } });
  });
});

describe("an upload that ends before its time", () => {
  it("is gone at once when it is terminated, with a piece that arrives just then", async () => {
    const path = await tus.begin("ended", 10);
    const { call, reply } = openPatch(path, 10);
    call.write("hello");
    await expect.poll(async () => (await tus.patch(path, 0, "HELLOWORLD")).status).toBe(423);
    expect((await tus.request("DELETE", path)).status).toBe(204);
    expect((await reply).status).toBe(423);
    call.destroy();
    for (const method of ["HEAD", "DELETE"]) expect((await tus.request(method, path)).status).toBe(404);
    expect((await tus.patch(path, 5, "world")).problem).toEqual([404, "upload_not_found"]);
    expect(test.uploadStore.heldBytes).toBe(0);
  });

  it("is refused with 410 when its time is over, and its bytes go; every piece gives it more time", async () => {
    const path = await tus.begin("expired", 10);
    await clock.advance(3_000_000);
    await tus.patch(path, 0, "hello");
    await clock.advance(3_000_000);
    expect((await tus.head(path)).headers["upload-offset"]).toBe("5");
    await clock.advance(3_600_000);
    expect((await tus.patch(path, 5, "world")).problem).toEqual([410, "upload_expired"]);
    expect((await tus.head(path)).status).toBe(410);
    while ((await test.uploads.removeExpired(2)) === 2);
    expect((await tus.head(path)).status).toBe(404);
    expect(test.uploadStore.heldBytes).toBe(0);
    expect(await statusOf("expired")).toBe(404);
  });

  it("is told where it is, when it is another node's", async () => {
    const reply = await tus.patch(`/v1/uploads/${test.idOf("anna")}-${"0".repeat(32)}`, 0, "hello");
    expect(reply.problem).toEqual([404, "upload_not_found"]);
    expect(reply.text).toContain("http://anna.invalid");
    expect((await tus.head("/v1/uploads/nonsense")).status).toBe(404);
  });
});
