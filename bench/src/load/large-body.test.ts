import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { getLarge, putLarge } from "./large-body.js";

const SIZE_BYTES = 3 * 2 ** 20 + 5;
let body: Buffer = Buffer.alloc(0);
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    if (request.method === "PUT") body = Buffer.concat(parts);
    response.end(request.method === "PUT" ? "" : body);
  });
});
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/large`;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => server.close());

it("puts and gets a body whose every MiB is told from the others", async () => {
  expect(await putLarge(url(), SIZE_BYTES)).toBeGreaterThan(0);
  expect(body.length).toBe(SIZE_BYTES);
  expect(await getLarge(url(), SIZE_BYTES)).toBeGreaterThan(0);
});

it("notices a MiB that is another one, and one byte too few", async () => {
  await putLarge(url(), SIZE_BYTES);
  body.copy(body, 2 * 2 ** 20, 0, 2 ** 20);
  await expect(getLarge(url(), SIZE_BYTES)).rejects.toThrow("wrong bytes at 2097155");
  await putLarge(url(), SIZE_BYTES - 1);
  await expect(getLarge(url(), SIZE_BYTES)).rejects.toThrow(`${SIZE_BYTES - 1} bytes of ${SIZE_BYTES}`);
});
