import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Problem } from "@koboldfs/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openConnection, send } from "../raw-client.js";
import { startTestServer, type TestServer } from "../test-server.js";
import { startTestReader, type TestReader } from "./test-reader.js";

const PATH = "/v1/files/demo/k";

let folder: string;
let server: TestServer;
let reader: TestReader;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "koboldfs-test-"));
  const socketPath = join(folder, "node.sock");
  server = await startTestServer({ socketPath, http: { maxRunning: 2, idleMs: 500 } });
  reader = await startTestReader(socketPath);
});
afterAll(async () => {
  await reader.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

it("puts, gets and refuses through the node's own server", async () => {
  expect((await send(reader.port, { method: "PUT", path: PATH, body: "hello" })).status).toBe(201);
  expect((await send(reader.port, { path: PATH })).text).toBe("hello");
  expect((await send(reader.port, { path: "/v1/files/demo/none" })).problem).toEqual([404, "not_found"]);
});

it("tells the metrics of the node process, which knows them", async () => {
  const { status, headers, text } = await send(reader.port, { path: "/metrics" });
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  expect(text).toContain("koboldfs_catalog_up 1");
});

it.each([
  [
    "more bytes than were announced",
    "PUT /v1/files/demo/long HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello and more",
    "body_too_long",
  ],
  [
    "fewer bytes than were announced",
    "PUT /v1/files/demo/long HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhello",
    "body_too_short",
  ],
  ["no HTTP", "this is none\r\n\r\n", "invalid_request"],
])("tells what the node process would tell of %s, and stores nothing", async (_what, text, code) => {
  const { socket, received } = openConnection(reader.port);
  if (code === "body_too_short") socket.end(text);
  else socket.write(text);
  const body = (await received).split("\r\n\r\n").at(-1) ?? "";
  expect((JSON.parse(body) as Problem).code).toBe(code);
  expect((await send(reader.port, { path: "/v1/files/demo/long" })).status).toBe(404);
});

it("refuses a long body in the middle such that its client hears of it", async () => {
  const body = Buffer.alloc(4_000_000);
  const reply = await send(reader.port, { method: "PUT", path: "/v1/files/nowhere/k", body });
  expect(reply.problem).toEqual([404, "namespace_not_found"]);
});

it("keeps the node's bound of running requests, whoever passes them on", async () => {
  const held = [1, 2].map(() => openConnection(reader.port));
  for (const { socket } of held) socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nh`);
  await expect.poll(async () => (await send(reader.port, { path: PATH })).status).toBe(503);
  expect((await send(reader.port, { path: PATH })).problem).toEqual([503, "overloaded"]);
  for (const { socket } of held) socket.destroy();
  await expect.poll(async () => (await send(reader.port, { path: PATH })).status).toBe(200);
});

it("cuts a client that owes the rest of its upload and stands still", async () => {
  const { socket, received } = openConnection(reader.port);
  socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nh`);
  expect(await received).toBe("");
  expect((await send(reader.port, { path: PATH })).text).toBe("hello");
});
