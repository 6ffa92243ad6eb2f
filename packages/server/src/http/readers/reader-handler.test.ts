import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { CorsGate } from "../cors.js";
import { createClientAuth } from "../../auth/client-auth.js";
import type { OpenBlob } from "../../blobs/blob-store.js";
import type { HeldFile } from "../../catalog/catalog.js";
import { silentLogger } from "../../runtime/logger.js";
import { Exchanges } from "../exchange.js";
import { Offload } from "../offload.js";
import { type RawRequest, send } from "../raw-client.js";
import { ReaderHandler, type ReaderHandlerOptions } from "./reader-handler.js";

const BYTES = Buffer.from("the bytes of the file");
const FILE: HeldFile = {
  namespace: "demo" as NamespaceName,
  key: "k" as FileKey,
  version: 7,
  digest: createHash("sha256").update(BYTES).digest("hex") as Digest,
  sizeBytes: BYTES.length,
  contentType: "text/plain",
  metadata: {},
  modified: new Date(1_000_000),
};
const TOKEN = { authorization: "Bearer right" };

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** What a reader says to a request; `handed on` when it leaves it to the node process. */
async function ask(request: Partial<RawRequest> & { keep?: number }, options: Partial<ReaderHandlerOptions> = {}) {
  const exchanges = new Exchanges();
  const blob = (content: OpenBlob["content"]): OpenBlob => ({ sizeBytes: BYTES.length, content });
  const handler = new ReaderHandler({
    auth: createClientAuth("right"),
    findFile: async (_namespace, key) => (key === FILE.key ? FILE : undefined),
    blobs: { open: async (_ref, range) => blob(BYTES.subarray(range?.start, range?.end)) },
    offload: new Offload({ locate: async () => undefined }, false),
    link: {
      handOn: ({ response }) => void response.writeHead(299).end("handed on"),
      openVersion: () => Promise.reject(new Error("not expected")),
    },
    maxRunning: 2,
    cors: new CorsGate(["https://example.org"]),
    log: silentLogger,
    logRequests: false,
    ...options,
  });
  server = createServer((request, response) => handler.handle(exchanges.begin(request, response)));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const path = "/v1/files/demo/k";
  return send(port, { path, ...request, headers: { ...TOKEN, ...request.headers } });
}

describe("a reader", () => {
  it("answers plain reads, their conditions and their parts", async () => {
    expect(await ask({})).toMatchObject({ status: 200, body: BYTES });
    const head = await ask({ method: "HEAD" });
    expect(head).toMatchObject({ status: 200, headers: { "content-length": String(BYTES.length) } });
    expect(await ask({ headers: { range: "bytes=4-8" } })).toMatchObject({ status: 206, text: "bytes" });
    expect((await ask({ headers: { "if-none-match": `"${FILE.digest}"` } })).status).toBe(304);
  });

  it.each<[string, Partial<RawRequest>]>([
    ["a put", { method: "PUT", body: "x" }],
    ["a delete", { method: "DELETE" }],
    ["a file that it does not find", { path: "/v1/files/demo/other" }],
    ["a key that is none", { path: "/v1/files/demo/%ff" }],
    ["a listing", { path: "/v1/files/demo" }],
    ["anything with a query", { path: "/v1/files/demo/k?consistency=mirror" }],
    ["another route", { path: "/v1/namespaces" }],
    ["a wrong token", { headers: { authorization: "Bearer wrong" } }],
    ["what a transaction sees", { headers: { "koboldfs-transaction": "t" } }],
    ["a condition that does not hold", { headers: { "if-match": '"0"' } }],
    ["a range beyond the end", { headers: { range: "bytes=1000-" } }],
    ["a body where none belongs", { headers: { "content-length": "1" }, body: "x" }],
  ])("hands on %s", async (_what, request) => {
    expect((await ask(request)).text).toBe("handed on");
  });

  it.each<[string, () => Promise<OpenBlob | undefined>]>([
    ["is not here", async () => undefined],
    ["has another size", async () => ({ sizeBytes: 1, content: Buffer.from("t") })],
    ["is bad", () => Promise.reject(new Error("bad"))],
  ])("hands on a file whose blob %s", async (_what, open) => {
    expect((await ask({}, { blobs: { open } })).text).toBe("handed on");
  });

  it("marks what it answers for pages of other origins as the node process does", async () => {
    expect((await ask({})).headers).toMatchObject({ vary: "Origin" });
    const { headers, body } = await ask({ headers: { origin: "https://example.org" } });
    expect(body).toEqual(BYTES);
    expect(headers).toMatchObject({ vary: "Origin", "access-control-allow-origin": "https://example.org" });
    expect((await ask({ headers: { origin: "https://other.org" } })).headers).not.toHaveProperty(
      "access-control-allow-origin",
    );
  });

  it("hands on what it has no room for", async () => {
    expect((await ask({}, { maxRunning: 0 })).text).toBe("handed on");
  });

  it("goes on from the node process when its disk fails midway, and proves the whole", async () => {
    const asked: unknown[] = [];
    const failing = () =>
      Readable.from(
        (async function* () {
          yield BYTES.subarray(0, 6);
          throw new Error("the disk failed");
        })(),
      );
    const options: Partial<ReaderHandlerOptions> = {
      blobs: { open: async () => ({ sizeBytes: BYTES.length, content: failing() }) },
      link: {
        handOn: ({ response }) => void response.end("handed on"),
        openVersion: async (wanted, range) => {
          asked.push([wanted.path, wanted.authorization, range]);
          return { sizeBytes: BYTES.length, content: BYTES };
        },
      },
    };
    expect((await ask({}, options)).body).toEqual(BYTES);
    expect(asked).toEqual([["/v1/files/demo/k?version=7", TOKEN.authorization, undefined]]);
  });
});
