import { once } from "node:events";
import { type IncomingMessage, request as openRequest, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openConnection, send } from "../raw-client.js";
import { type ScriptedNode, startScriptedNode, startTestReader, type TestReader } from "./test-reader.js";

const PIECE = Buffer.alloc(64 * 1024, "piece ");
/** What sockets and streams of three processes may hold; a whole transfer is many times that. */
const MUCH = 1000 * PIECE.length;

let node: ScriptedNode;
let reader: TestReader;
beforeAll(async () => {
  node = await startScriptedNode();
  reader = await startTestReader(node.path);
});
afterAll(async () => {
  await reader.close();
  node.close();
});

/** The first request that gets to the node process, and its answer that is not given yet. */
function nextExchange(): Promise<{ request: IncomingMessage; response: ServerResponse }> {
  return new Promise((resolve) => {
    node.answer = (request, response) => resolve({ request, response });
  });
}

function call(method: string, headers: Record<string, string> = {}) {
  const opened = openRequest({ host: "127.0.0.1", port: reader.port, method, path: "/x", headers, agent: false });
  opened.on("error", () => {});
  return opened;
}

it("passes request and answer as they are, and says who asks", async () => {
  const { socket, received } = openConnection(reader.port);
  const arrived = nextExchange();
  socket.write(
    "POST /v1/files/a/%2e%2e//b?c HTTP/1.1\r\nHost: example.org\r\nX-Twice: 1\r\nx-twice: 2\r\n" +
      "Koboldfs-Client-Address: 6.6.6.6\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n" +
      "5\r\nhello\r\n0\r\nX-End: yes\r\n\r\n",
  );
  const { request, response } = await arrived;
  expect(await buffer(request)).toEqual(Buffer.from("hello"));
  expect(request).toMatchObject({ method: "POST", url: "/v1/files/a/%2e%2e//b?c", rawTrailers: ["X-End", "yes"] });
  const raw = request.rawHeaders.join(" ");
  expect(raw).toContain("Host example.org X-Twice 1 x-twice 2");
  expect(request.headers["koboldfs-client-address"]).toBe("127.0.0.1");
  response.writeHead(207, "Some Of Both", ["X-A", "1", "x-a", "2", "Trailer", "X-Sum", "Date", "then"]);
  response.write("answer");
  response.addTrailers({ "X-Sum": "42" });
  response.end();
  socket.end();
  const text = await received;
  expect(text).toMatch(/^HTTP\/1\.1 207 Some Of Both\r\nX-A: 1\r\nx-a: 2\r\nTrailer: X-Sum\r\nDate: then\r\n/);
  expect(text).toMatch(/6\r\nanswer\r\n0\r\nX-Sum: 42\r\n\r\n$/);
});

it.each(["GET", "HEAD", "DELETE", "PUT"])(
  "passes %s without a body, again and again on one connection",
  async (method) => {
    node.answer = (request, response) => {
      response.writeHead(200, { "content-length": "2", "x-length": request.headers["content-length"] ?? "none" });
      response.end("ok");
    };
    for (let time = 0; time < 3; time += 1) {
      const reply = await send(reader.port, { method, path: "/x" });
      expect(reply).toMatchObject({ status: 200, text: method === "HEAD" ? "" : "ok" });
      expect(reply.headers["content-length"]).toBe("2");
    }
  },
);

it("asks for an expected body when the node process does, and not before", async () => {
  const arrived = nextExchange();
  const put = call("PUT", { expect: "100-continue", "content-length": "5" });
  put.flushHeaders();
  let isAsked = false;
  put.once("continue", () => {
    isAsked = true;
    put.end("hello");
  });
  const { request, response } = await arrived;
  await sleep(50);
  expect(isAsked).toBe(false);
  response.writeContinue();
  expect((await buffer(request)).toString()).toBe("hello");
  response.writeHead(201).end();
  expect(((await once(put, "response")) as [IncomingMessage])[0].statusCode).toBe(201);
});

it("passes on a refusal without asking for the body", async () => {
  node.answer = (_request, response) => void response.writeHead(409, { connection: "close" }).end("no");
  const put = call("PUT", { expect: "100-continue", "content-length": "5" });
  put.flushHeaders();
  const continued = once(put, "continue").then(() => "asked");
  const answered = once(put, "response").then(([reply]) => (reply as IncomingMessage).statusCode);
  expect(await Promise.race([continued, answered])).toBe(409);
  put.destroy();
});

it("ends the client's connection where the node process ends its own, and keeps it otherwise", async () => {
  node.answer = (request, response) => {
    response.writeHead(200, request.url === "/last" ? { connection: "close" } : {}).end();
  };
  expect((await send(reader.port, { path: "/last" })).headers.connection).toBe("close");
  expect((await send(reader.port, { path: "/x" })).headers.connection).toBe("keep-alive");
});

it("breaks off an upload that its client breaks off", async () => {
  const arrived = nextExchange();
  const put = call("PUT", { "content-length": "100" });
  put.write("half");
  const { request } = await arrived;
  request.on("error", () => {}).resume();
  const closed = new Promise((resolve) => request.once("close", resolve));
  put.destroy();
  await closed;
  expect(request.complete).toBe(false);
});

it("breaks off a download that its client breaks off", async () => {
  const arrived = nextExchange();
  const get = call("GET");
  get.end();
  const { response } = await arrived;
  response.writeHead(200, { "content-length": "1000" }).write("half");
  await once(get, "response");
  const closed = once(response, "close");
  get.destroy();
  await closed;
  expect(response.writableFinished).toBe(false);
});

it.each(["1000", undefined])("cuts an answer that the node process cuts, of length %s", async (length) => {
  const arrived = nextExchange();
  const get = call("GET");
  get.end();
  const { response } = await arrived;
  response.writeHead(200, length === undefined ? {} : { "content-length": length }).write("half");
  const [reply] = (await once(get, "response")) as [IncomingMessage];
  response.destroy();
  await expect(buffer(reply)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(reply.complete).toBe(false);
});

it("claims nothing of a request whose answer never came", async () => {
  const arrived = nextExchange();
  const put = call("PUT", { "content-length": "5" });
  put.end("hello");
  const failed = once(put, "response").catch((error: NodeJS.ErrnoException) => error.code);
  const { request, response } = await arrived;
  await buffer(request);
  response.destroy();
  expect(await failed).toBe("ECONNRESET");
});

it("refuses with a reason while the node process takes no connections", async () => {
  const lonely = await startTestReader(join(node.path, "..", "nobody.sock"));
  expect((await send(lonely.port, { path: "/x" })).problem).toEqual([503, "overloaded"]);
  await lonely.close();
});

it("takes no more of an upload than the node process does", async () => {
  const arrived = nextExchange();
  const put = call("PUT", { "content-length": String(MUCH) });
  let sent = 0;
  const pour = async () => {
    for (; sent < MUCH; sent += PIECE.length) if (!put.write(PIECE)) await once(put, "drain");
    put.end();
  };
  const poured = pour();
  const { request, response } = await arrived;
  await untilStill(() => sent);
  expect(sent).toBeLessThan(MUCH / 3);
  request.resume().once("end", () => response.end("all"));
  await poured;
  expect((await buffer(((await once(put, "response")) as [IncomingMessage])[0])).toString()).toBe("all");
});

it("takes no more of an answer than its client does", async () => {
  const arrived = nextExchange();
  const socket = connect(reader.port, "127.0.0.1");
  socket.write("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.pause();
  const { response } = await arrived;
  response.writeHead(200, { "content-length": String(MUCH) });
  let given = 0;
  const pour = async () => {
    for (; given < MUCH; given += PIECE.length) if (!response.write(PIECE)) await once(response, "drain");
    response.end();
  };
  const poured = pour();
  await untilStill(() => given);
  expect(given).toBeLessThan(MUCH / 3);
  socket.resume();
  await poured;
  socket.destroy();
});

it("gets a part of a version from the node process, or says that it does not", async () => {
  node.answer = (request, response) => {
    const { authorization, range } = request.headers;
    if (request.url === "/gone") response.writeHead(404).end("no");
    else response.writeHead(range === undefined ? 200 : 206).end(`${authorization} ${range}`);
  };
  const wanted = { path: "/v", authorization: "Bearer x", sizeBytes: 9 };
  const whole = await reader.link.openVersion(wanted, undefined);
  expect((await buffer(whole.content as IncomingMessage)).toString()).toBe("Bearer x undefined");
  const part = await reader.link.openVersion(wanted, { start: 2, end: 5 });
  expect((await buffer(part.content as IncomingMessage)).toString()).toBe("Bearer x bytes=2-4");
  const refused = reader.link.openVersion({ ...wanted, path: "/gone" }, undefined);
  await expect(refused).rejects.toMatchObject({ code: "blob_unavailable" });
});

/** Resolves when the number has not changed for a while. */
async function untilStill(read: () => number): Promise<void> {
  for (let before = -1; before !== read(); ) {
    before = read();
    await sleep(300);
  }
}
