import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { formatDigestHeader } from "../digest-header.js";
import { type Answer, ScriptedServer, sendFile, sendPutReply, sha256 } from "../testing/scripted-server.js";
import { ScriptedUploads } from "../testing/scripted-uploads.js";
import { Client } from "./index.js";

/**
 * Node has what browsers have but for XMLHttpRequest (as service workers do), so that most can be tried here. The rest
 * is in tests/src/browser, in Chromium.
 */
const CONTENT = Buffer.alloc(300_000, "0123456789abcdef");
const MIB = 1024 * 1024;
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Connected {
  readonly client: Client;
  readonly servers: readonly ScriptedServer[];
}

async function connect(...answers: Answer[]): Promise<Connected> {
  const servers = await Promise.all(answers.map((answer) => ScriptedServer.start(answer)));
  const client = new Client("demo", {
    servers: servers.map(({ url }) => url),
    deadlineMs: 3_000,
    responseTimeoutMs: 200,
    idleTimeoutMs: 200,
  });
  for (const server of servers) cleanups.push(() => server.kill());
  cleanups.push(() => client.close());
  return { client, servers };
}

const serve: Answer = (request, response) => sendFile(request, response, CONTENT);
const store: Answer = (request, response) => sendPutReply(response, request.body);
const silent: Answer = () => {};

/** Sends the first half, and then nothing, or nothing any more. */
const serveHalf =
  (then: "cut" | "pause"): Answer =>
  (request, response) => {
    sendFile(request, response, CONTENT, (bytes) => {
      response.write(bytes.subarray(0, bytes.length / 2), () => {
        if (then === "cut") response.destroy();
      });
      // The end that `sendFile` writes must not come.
      response.end = () => response;
      return Buffer.alloc(0);
    });
  };

async function read(client: Client): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const target = new WritableStream<Uint8Array>({ write: (piece) => void pieces.push(piece) });
  expect(await client.get("a", target)).toBe(true);
  return Buffer.concat(pieces);
}

describe("the client for browsers", () => {
  it("announces the digest of everything it sends: bytes, Blobs and streams", async () => {
    const { client, servers } = await connect(store);
    const content = Buffer.alloc(3 * MIB, "x");
    async function* stream(): AsyncGenerator<Uint8Array> {
      // The same memory for each piece, as some sources do it.
      const piece = Buffer.alloc(MIB);
      for (let index = 0; index < 3; index += 1) yield piece.fill("x");
    }
    for (const source of [content, new Blob([content], { type: "text/plain" }), stream(), () => stream()]) {
      expect(await client.put("a", source)).toMatchObject({ digest: sha256(content), size: content.length });
    }
    const sent = servers[0]?.requests ?? [];
    expect(sent.map(({ headers }) => headers["repr-digest"])).toEqual(
      sent.map(() => formatDigestHeader(sha256(content))),
    );
    expect(sent[1]?.headers["content-type"]).toBe("text/plain");
  });

  it("refuses a source that has another digest than was announced, without sending it", async () => {
    const { client, servers } = await connect(store);
    const put = client.put("a", new Blob([CONTENT]), { digest: sha256(Buffer.from("other")) });
    await expect(put).rejects.toMatchObject({ code: "source_changed" });
    expect(servers[0]?.requests).toEqual([]);
  });

  it("says that a browser has no paths", async () => {
    const { client } = await connect(serve);
    await expect(client.put("a", "/etc/motd")).rejects.toMatchObject({ code: "source_unreadable" });
    await expect(client.get("a", "/tmp/motd")).rejects.toMatchObject({ code: "target_unwritable" });
  });

  it("says which keys a browser cannot ask for, and asks for every other one as it is", async () => {
    const { client, servers } = await connect(store);
    for (const key of [".", ".."]) await expect(client.stat(key)).rejects.toMatchObject({ code: "invalid_key" });
    const keys = ["a/../b", "a//b", "dir/", "%2e%2e/x", "ä ö?#&'"];
    for (const key of keys) await client.put(key, Buffer.from("x"));
    const arrived = servers[0]?.requests.map(({ url }) => decodeURIComponent(url.slice("/v1/files/demo/".length)));
    // A put that took too long on a busy machine was asked for twice.
    expect([...new Set(arrived)]).toEqual(keys);
  });

  it.each(["cut", "pause"] as const)("goes on at the same offset elsewhere after a %s", async (then) => {
    const { client, servers } = await connect(serveHalf(then), serve);
    expect((await read(client)).equals(CONTENT)).toBe(true);
    expect(servers[1]?.requests[0]?.headers.range).toBe("bytes=150000-299999");
  });

  it("goes on with the next server when one never answers", async () => {
    const { client } = await connect(silent, serve);
    expect((await read(client)).equals(CONTENT)).toBe(true);
  });

  it("goes on with the next server when one takes a Blob and never answers", async () => {
    const { client } = await connect(silent, store);
    expect(await client.put("a", new Blob(["some text"]))).toMatchObject({ size: 9 });
  });

  it("ends with the reason of its signal", async () => {
    const { client } = await connect(silent);
    const controller = new AbortController();
    const get = client.getBytes("a", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(get).rejects.toThrow("enough");
  });

  it("is what the package gives to those who build for browsers", async () => {
    const program = 'import * as entry from "@koboldfs/client"; console.log(String(entry.Client).includes("Browser"))';
    const args = ["--conditions=browser", "--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
    expect(stdout.trim()).toBe("true");
  });
});

it("follows changes as elsewhere, at the next server when one breaks off, with more patience than for bytes", async () => {
  const line = (number: number) =>
    `${JSON.stringify({ number, kind: "put", namespace: "demo", key: "k", version: number, time: "" })}\n`;
  const breaking: Answer = (_request, response) => {
    response.write(line(8));
    setTimeout(() => response.destroy(), 20);
  };
  const patient: Answer = (_request, response) => {
    response.write('{"position":7,"head":7}\n');
    // Longer than the client's idle limit: a follower waits most of the time.
    setTimeout(() => response.end(`${line(8)}{"position":8,"head":8}\n`), 400);
  };
  const { client, servers } = await connect(breaking, patient);
  for await (const { number } of client.changes({ after: 7 })) {
    expect(number).toBe(8);
    break;
  }
  expect(servers.map(({ requests }) => requests[0]?.url)).toEqual(
    Array(2).fill("/v1/changes?namespace=demo&after=7&wait=30s&limit=500"),
  );
});

describe("a put of something large from a browser", () => {
  const LARGE_CONTENT = Buffer.alloc(20 * MIB, "0123456789abcdef");
  const LARGE = { resumableFromBytes: MIB };

  it("goes piece by piece, and tells what the server has after each", async () => {
    const uploads = new ScriptedUploads();
    const { client } = await connect(uploads.answer);
    const progress: number[] = [];
    const onProgress = (bytes: number) => void progress.push(bytes);
    const reply = await client.put("large", new Blob([LARGE_CONTENT]), { ...LARGE, onProgress });
    expect(reply).toMatchObject({ digest: sha256(LARGE_CONTENT), size: LARGE_CONTENT.length, copies: 2 });
    expect(uploads.pieces).toEqual([
      [0, 8 * MIB],
      [8 * MIB, 8 * MIB],
      [16 * MIB, 4 * MIB],
    ]);
    expect(progress).toEqual([8 * MIB, 16 * MIB, 20 * MIB]);
    expect(uploads.uploads[0]?.metadata.get("digest")).toBe(sha256(LARGE_CONTENT));
  });

  it("goes on at the byte up to which the server has it when a piece breaks off", async () => {
    const uploads = new ScriptedUploads();
    uploads.fate = (piece) => (piece === 2 ? { keptBytes: 3 * MIB, cut: true } : {});
    const { client } = await connect(uploads.answer);
    const reply = await client.put("large", new Blob([LARGE_CONTENT]), LARGE);
    expect(reply.digest).toBe(sha256(LARGE_CONTENT));
    expect(uploads.pieces.map(([offset]) => offset)).toEqual([0, 8 * MIB, 11 * MIB, 19 * MIB]);
  });

  it("takes it for no success when the server has all and does not name it", async () => {
    const uploads = new ScriptedUploads();
    uploads.names = false;
    const { client } = await connect(uploads.answer);
    const put = client.put("large", new Blob([LARGE_CONTENT]), { ...LARGE, deadlineMs: 500 });
    await expect(put).rejects.toMatchObject({ code: "invalid_response" });
    expect(uploads.ended).toBe(1);
  });

  it("does not go round and round with a server that keeps nothing", async () => {
    const uploads = new ScriptedUploads();
    uploads.fate = () => ({ keptBytes: 0 });
    const { client } = await connect(uploads.answer);
    const put = client.put("large", new Blob([LARGE_CONTENT]), { ...LARGE, deadlineMs: 500 });
    await expect(put).rejects.toMatchObject({ code: "invalid_response" });
  });
});
