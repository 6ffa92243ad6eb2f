import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openConnection } from "../raw-client.js";
import { startTestServer, type TestServer } from "../test-server.js";
import { type ScriptedNode, startScriptedNode, startTestReader, type TestReader } from "./test-reader.js";

const HEADERS_MS = 300;
const HALF = "GET /v1/files/demo/k HTTP/1.1\r\nHost: x\r\n";
/** Long before anything else would cut it. */
const SOON_MS = 10_000;

let script: ScriptedNode;
let node: TestServer;
let reader: TestReader;
beforeAll(async () => {
  script = await startScriptedNode();
  node = await startTestServer({ http: { headersMs: HEADERS_MS } });
  reader = await startTestReader(script.path, { headersMs: HEADERS_MS });
});
afterAll(async () => {
  await reader.close();
  await node.close();
  script.close();
});

describe.each([
  ["a node process", () => node.port],
  ["a reader", () => reader.port],
])("%s", (_who, portOf) => {
  it("tells a client whose headers do not end in time, and cuts it", { timeout: SOON_MS }, async () => {
    const { socket, received } = openConnection(portOf());
    socket.write(HALF);
    const text = await received;
    expect(text).toMatch(/^HTTP\/1\.1 408 .*\r\nConnection: close\r\n/s);
    expect(text).toContain('"code":"request_timeout"');
  });

  it("does so though they trickle on, and at the second request of a connection", { timeout: SOON_MS }, async () => {
    script.answer = (_request, response) => void response.writeHead(404).end();
    const { socket, received } = openConnection(portOf());
    socket.write(`${HALF}\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    socket.write(HALF);
    const trickle = setInterval(() => socket.write("X-A: b\r\n"), HEADERS_MS / 6);
    const text = await received;
    clearInterval(trickle);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 408"]);
  });

  it("waits longer for a body than for headers", { timeout: SOON_MS }, async () => {
    script.answer = (request, response) => void request.resume().on("end", () => response.writeHead(201).end());
    const { socket, received } = openConnection(portOf());
    socket.write("PUT /v1/files/demo/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab");
    await sleep(3 * HEADERS_MS);
    socket.write("cd");
    expect(await received).toMatch(/^HTTP\/1\.1 201 /);
  });
});
