import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { type Digest, KoboldError } from "@koboldfs/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fails } from "../files/faulty-blob-store.js";
import { DEMO } from "../files/test-files.js";
import { openConnection, readReply, send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

const PATH = "/v1/files/demo/key";
const digestOf = (text: string) => createHash("sha256").update(text).digest("hex") as Digest;

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer({ peers: ["anna"] });
});
beforeEach(async () => {
  await send(test.port, { method: "PUT", path: PATH, body: "old" });
});
afterEach(() => {
  for (const store of Object.values(test.stores)) store.heal();
});
afterAll(() => test.close());

/** The old version is still there, and of the new one nothing is left anywhere. */
async function expectOldVersion(newText?: string): Promise<void> {
  expect((await send(test.port, { path: PATH })).text).toBe("old");
  for (const store of Object.values(test.stores)) {
    await expect.poll(() => store.openWrites).toBe(0);
    if (newText === undefined) continue;
    expect(await store.stat({ namespace: DEMO, digest: digestOf(newText) })).toBeUndefined();
  }
}

function codeOf(received: string): [string, string | undefined] {
  return [received.slice(0, 12), /"code":"(\w+)"/.exec(received)?.[1]];
}

describe("an upload", () => {
  it("that is shorter than announced is told so, and leaves the old version", async () => {
    const { socket, received } = openConnection(test.port);
    socket.end(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort`);
    expect(codeOf(await received)).toEqual(["HTTP/1.1 400", "body_too_short"]);
    await expectOldVersion("short");
  });

  it("in chunks that breaks off is told so, and leaves the old version", async () => {
    const { socket, received } = openConnection(test.port);
    socket.end(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n`);
    expect(codeOf(await received)).toEqual(["HTTP/1.1 400", "body_too_short"]);
    await expectOldVersion("short");
  });

  it("in chunks that are none is refused, and leaves the old version", async () => {
    const { socket, received } = openConnection(test.port);
    socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n`);
    expect(codeOf(await received)).toEqual(["HTTP/1.1 400", "invalid_request"]);
    await expectOldVersion("short");
  });

  it("that is longer than announced is told so, and leaves the old version", async () => {
    const { socket, received } = openConnection(test.port);
    socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nlonger than that`);
    expect(codeOf(await received)).toEqual(["HTTP/1.1 400", "body_too_long"]);
    await expectOldVersion();
  });

  it("whose client vanishes leaves nothing", async () => {
    const { socket } = openConnection(test.port);
    socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nthe beginning`);
    await expect.poll(() => test.stores["self"]!.openWrites).toBe(1);
    socket.resetAndDestroy();
    await expectOldVersion("the beginning");
  });

  it("of a full disk is refused with 507 before the body is asked for", async () => {
    test.stores["self"]!.beforeCreate = fails("disk_full");
    const reply = await send(test.port, { method: "PUT", path: PATH, body: "new" });
    expect(reply.problem).toEqual([507, "disk_full"]);
    await expectOldVersion("new");
  });

  it("that fills the disk midway is refused with 507, whatever is still to come", async () => {
    test.stores["self"]!.beforeWrite = (written) => {
      if (written > 100_000) throw new KoboldError("disk_full", "a fault of the test");
    };
    const body = randomBytes(8 * 1024 * 1024);
    const reply = await send(test.port, { method: "PUT", path: PATH, body });
    expect(reply.problem).toEqual([507, "disk_full"]);
    expect(reply.headers.connection).toBe("close");
    await expectOldVersion();
  });

  it("that fails when it is made durable leaves nothing", async () => {
    test.stores["self"]!.beforeFinish = fails("disk_failed");
    expect((await send(test.port, { method: "PUT", path: PATH, body: "new" })).problem).toEqual([503, "disk_failed"]);
    await expectOldVersion();
  });

  it("of a small body that is refused leaves the connection open for the next request", async () => {
    const { socket, received } = openConnection(test.port);
    const put = `PUT /v1/files/nowhere/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc`;
    socket.write(`${put}GET ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const text = await received;
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 200"]);
    expect(text.endsWith("old")).toBe(true);
  });

  it("of a large body that is refused gets its answer although the client still sends", async () => {
    const body = randomBytes(4 * 1024 * 1024);
    const reply = await send(test.port, { method: "PUT", path: "/v1/files/nowhere/a", body });
    expect(reply.problem).toEqual([404, "namespace_not_found"]);
    expect(reply.headers.connection).toBe("close");
  });

  it("does not move for long is cut, and leaves nothing", async () => {
    const impatient = await startTestServer({ http: { idleMs: 50 } });
    const { socket, received } = openConnection(impatient.port);
    socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort`);
    await received;
    await expect.poll(() => impatient.stores["self"]!.openWrites).toBe(0);
    expect((await send(impatient.port, { path: PATH })).status).toBe(404);
    await impatient.close();
  });

  it("whose disk is slow is not cut", async () => {
    const impatient = await startTestServer({ http: { idleMs: 50 } });
    impatient.stores["self"]!.beforeFinish = () => new Promise((resolve) => setTimeout(resolve, 300));
    expect((await send(impatient.port, { method: "PUT", path: PATH, body: "slow" })).status).toBe(201);
    await impatient.close();
  });
});

describe("Expect: 100-continue", () => {
  function openPut(path: string, headers: Record<string, string> = {}) {
    const call = request({
      ...{ host: "127.0.0.1", port: test.port, method: "PUT", path, agent: false },
      headers: { connection: "keep-alive", expect: "100-continue", "content-length": "3", ...headers },
    });
    call.flushHeaders();
    const reply = once(call, "response").then(([response]) => readReply(response));
    return { call, reply };
  }

  it("is answered when the body is wanted", async () => {
    const { call, reply } = openPut(PATH);
    await once(call, "continue");
    call.end("new");
    expect((await reply).status).toBe(201);
    expect((await send(test.port, { path: PATH })).text).toBe("new");
  });

  it.each([
    ["the namespace does not exist", "/v1/files/nowhere/a", {}, [404, "namespace_not_found"]],
    ["the condition does not hold", PATH, { "if-none-match": "*" }, [412, "precondition_failed"]],
    ["there are too few nodes", PATH, { "koboldfs-min-copies": "9" }, [503, "too_few_copies"]],
    ["the headers are bad", PATH, { "content-digest": "x" }, [400, "invalid_digest"]],
  ])("is not answered when %s", async (_, path, headers, problem) => {
    const { call, reply } = openPut(path, headers);
    let continued = false;
    call.on("continue", () => {
      continued = true;
    });
    const answer = await reply;
    expect(answer.problem).toEqual(problem);
    expect(answer.headers.connection).toBe("close");
    expect(continued).toBe(false);
    call.destroy();
    await expectOldVersion();
  });

  it("is not answered when the disk is full", async () => {
    test.stores["self"]!.beforeCreate = fails("disk_full");
    const { call, reply } = openPut(PATH);
    expect((await reply).problem).toEqual([507, "disk_full"]);
    call.destroy();
  });

  it("works for JSON bodies too", async () => {
    const call = request({
      ...{ host: "127.0.0.1", port: test.port, method: "PUT", path: "/v1/namespaces/new", agent: false },
      headers: { expect: "100-continue", "content-type": "application/json" },
    });
    call.flushHeaders();
    await once(call, "continue");
    call.end("{}");
    const [response] = await once(call, "response");
    expect((await readReply(response)).status).toBe(200);
  });

  it("other expectations are refused", async () => {
    const reply = await send(test.port, { path: PATH, headers: { expect: "tea" } });
    expect(reply.problem).toEqual([417, "expectation_failed"]);
  });
});

describe("a catalog that does not answer", () => {
  it("refuses puts before the body, and reads, with 503 and Retry-After", async () => {
    const { findNamespace, findFile, commit } = test.catalog;
    const unavailable = () => Promise.reject(new KoboldError("catalog_unavailable", "a fault of the test"));
    Object.assign(test.catalog, { findNamespace: unavailable, findFile: unavailable, commit: unavailable });
    for (const method of ["PUT", "GET", "DELETE"]) {
      const reply = await send(test.port, { method, path: PATH, ...(method === "PUT" && { body: "new" }) });
      expect(reply.problem).toEqual([503, "catalog_unavailable"]);
      expect(reply.headers["retry-after"]).toBe("1");
    }
    expect(test.stores["self"]!.openWrites).toBe(0);
    Object.assign(test.catalog, { findNamespace, findFile, commit });
  });

  it("between body and commit names nothing", async () => {
    const { commit } = test.catalog;
    test.catalog.commit = () => Promise.reject(new KoboldError("catalog_unavailable", "a fault of the test"));
    expect((await send(test.port, { method: "PUT", path: PATH, body: "new" })).problem).toEqual([
      503,
      "catalog_unavailable",
    ]);
    test.catalog.commit = commit;
    await expectOldVersion();
  });
});

describe("a peer that dies midway", () => {
  it("costs the put nothing but a debt", async () => {
    test.stores["anna"]!.beforeWrite = fails("peer_failed");
    const reply = await send(test.port, { method: "PUT", path: PATH, body: "for all but anna" });
    expect([reply.status, reply.json()]).toEqual([201, expect.objectContaining({ copies: 1, wanted: 2 })]);
    expect(await test.catalog.listDebts(test.idOf("anna"), 10)).toHaveLength(1);
    expect(test.cluster.failures).toEqual(["anna"]);
    expect(test.cluster.nudged).toContain(test.idOf("anna"));
  });
});
