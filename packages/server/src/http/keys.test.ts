import { createHash } from "node:crypto";
import type { ListReply } from "@koboldfs/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { send } from "./raw-client.js";
import { startTestServer, type TestServer } from "./test-server.js";

let test: TestServer;
beforeAll(async () => {
  test = await startTestServer();
});
afterAll(() => test.close());

/** Every way to write a byte in a URL is the same key. */
const encodings = {
  minimal: (key: string) => encodeURIComponent(key),
  slashes: (key: string) => key.split("/").map(encodeURIComponent).join("/"),
  everything: (key: string) => [...Buffer.from(key)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
};

async function roundTrip(key: string): Promise<void> {
  const body = createHash("sha256").update(key).digest("hex");
  await send(test.port, { method: "PUT", path: `/v1/files/demo/${encodings.minimal(key)}`, body });
  for (const encode of Object.values(encodings)) {
    expect((await send(test.port, { path: `/v1/files/demo/${encode(key)}` })).text).toBe(body);
  }
  const prefix = encodeURIComponent(key);
  const listed = await send(test.port, { path: `/v1/files/demo?limit=1&prefix=${prefix}` });
  expect(listed.json<ListReply>().files[0]?.key).toBe(key);
}

describe("keys", () => {
  it.each([
    "..",
    ".",
    "../../../../etc/passwd",
    "a/../b",
    "//",
    "/",
    "a//b/",
    "%2e%2e",
    "%",
    "+ +",
    "?a=b#c",
    ";x=y",
    "a\\b",
    "\u0001\n\r\t",
    "Ａ",
    "é",
    "e\u0301",
    "🐉",
    "\uFEFFbom",
    "A",
    "a",
    "a ",
    "x".repeat(1024),
    "🐉".repeat(256),
    "__proto__",
  ])("like %j come back as they went in", async (key) => {
    await roundTrip(key);
  });

  it("of any Unicode come back as they went in", { timeout: 60_000 }, async () => {
    const key = fc
      .string({ unit: "binary", minLength: 1, maxLength: 60 })
      .filter((text) => !/\0|\p{Surrogate}/u.test(text));
    await fc.assert(fc.asyncProperty(key, roundTrip), { numRuns: 40 });
  });

  it("that differ only in bytes are different files", async () => {
    const keys = ["same", "Same", "same ", "s%61me", "ſame", "same\u0301", "same/", "/same"];
    for (const key of keys) {
      await send(test.port, { method: "PUT", path: `/v1/files/demo/${encodeURIComponent(`diff/${key}`)}`, body: key });
    }
    for (const key of keys) {
      expect((await send(test.port, { path: `/v1/files/demo/${encodeURIComponent(`diff/${key}`)}` })).text).toBe(key);
    }
  });

  it.each([
    ["nothing", ""],
    ["a byte that is no UTF-8", "%ff"],
    ["a surrogate", "%ED%A0%80"],
    ["an overlong form", "%C0%AF"],
    ["a NUL", "a%00b"],
    ["a percent sign alone", "a%"],
    ["half a percent code", "a%4"],
    ["a percent code that is none", "a%zz"],
    ["1,025 bytes", "x".repeat(1025)],
    ["1,026 bytes in 513 characters", encodeURIComponent("é".repeat(513))],
  ])("of %s are refused by every method", async (_, path) => {
    for (const method of ["PUT", "GET", "DELETE"]) {
      const body = method === "PUT" ? { body: "x" } : {};
      expect((await send(test.port, { method, path: `/v1/files/demo/${path}`, ...body })).problem).toEqual([
        400,
        "invalid_key",
      ]);
    }
  });

  it("sent as bare UTF-8 are refused: HTTP has no such URLs", async () => {
    const path = Buffer.from("/v1/files/demo/grün").toString("latin1");
    expect((await send(test.port, { path })).problem).toEqual([400, "invalid_request"]);
  });
});
