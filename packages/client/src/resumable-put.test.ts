import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, type PutOptions, type UploadMemory } from "./index.js";
import { ScriptedServer, sendProblem, sendPutReply, sha256 } from "./testing/scripted-server.js";
import { ScriptedUploads } from "./testing/scripted-uploads.js";
import { withTempFolder } from "./testing/temp-folder.js";

const MIB = 1024 * 1024;
const BYTES = randomBytes(4 * MIB);
const REPLY = { digest: sha256(BYTES), size: BYTES.length, version: 7, copies: 2, wanted: 2 };
const LARGE: PutOptions = { resumableFromBytes: MIB };

let uploads: ScriptedUploads;
let server: ScriptedServer;
let client: Client;
const others: ScriptedServer[] = [];

beforeEach(async () => {
  uploads = new ScriptedUploads();
  server = await ScriptedServer.start(uploads.answer);
  client = new Client("demo", { servers: [server.url], deadlineMs: 3_000 });
});
afterEach(async () => {
  await client.close();
  await Promise.all([server, ...others.splice(0)].map((one) => one.kill()));
});

const methods = (asked: ScriptedServer = server) => asked.requests.map(({ method }) => method);

/** An address kept in memory, with what was done to it. */
class TestMemory implements UploadMemory {
  readonly kept = new Map<string, string>();
  /** Answered in any case. */
  url: string | undefined;

  async find(fingerprint: string): Promise<string | undefined> {
    return this.url ?? this.kept.get(fingerprint);
  }

  async keep(fingerprint: string, url: string): Promise<void> {
    this.kept.set(fingerprint, url);
  }

  async forget(fingerprint: string): Promise<void> {
    this.kept.delete(fingerprint);
  }
}

describe("a put of something large", () => {
  it("goes as a resumable upload from a path, bytes and a Blob, with all that was said of it", async () => {
    await withTempFolder(async (folder) => {
      const path = join(folder, "large");
      await writeFile(path, BYTES);
      const options = { ...LARGE, contentType: "text/plain", ifNoneMatch: "*", minCopies: 2, metadata: { a: "naïve" } };
      for (const source of [path, BYTES, new Blob([BYTES])]) {
        expect(await client.put("large", source, options)).toEqual(REPLY);
      }
      expect(uploads.uploads.map(({ bytes }) => bytes.equals(BYTES))).toEqual([true, true, true]);
      expect(Object.fromEntries(uploads.uploads[0]?.metadata ?? [])).toEqual({
        namespace: "demo",
        key: "large",
        "idempotency-key": expect.any(String),
        "content-type": "text/plain",
        "if-none-match": "*",
        "min-copies": "2",
        "meta-a": "naïve",
      });
      expect(methods()).toEqual(["POST", "PATCH", "POST", "PATCH", "POST", "PATCH"]);
    });
  });

  it("goes in one request when it is small, when it cannot be read again, and when that is asked for", async () => {
    server.answer = (request, response) => sendPutReply(response, request.body);
    await client.put("small", Buffer.alloc(MIB - 1), LARGE);
    await client.put("stream", Readable.from([BYTES]), LARGE);
    await client.put("large", BYTES, { resumableFromBytes: Number.POSITIVE_INFINITY });
    await client.put("usual", BYTES);
    expect(methods()).toEqual(["PUT", "PUT", "PUT", "PUT"]);
  });

  it("goes on after a break where the server is, and tells progress on the way", async () => {
    uploads.fate = (piece) => (piece <= 2 ? { keptBytes: MIB, cut: true } : {});
    const told: number[] = [];
    expect(await client.put("large", BYTES, { ...LARGE, onProgress: (bytes) => told.push(bytes) })).toEqual(REPLY);
    expect(uploads.pieces).toEqual([
      [0, 4 * MIB],
      [MIB, 3 * MIB],
      [2 * MIB, 2 * MIB],
    ]);
    expect(uploads.uploads[0]?.bytes.equals(BYTES)).toBe(true);
    expect(told.at(-1)).toBe(BYTES.length);
  });

  it("asks for the answer that was lost, and sends nothing twice", async () => {
    uploads.fate = () => ({ cut: true });
    expect(await client.put("large", BYTES, LARGE)).toEqual(REPLY);
    expect(methods()).toEqual(["POST", "PATCH", "HEAD"]);
  });

  it("begins again when the server does not know the upload any more", async () => {
    uploads.fate = (piece) => {
      if (piece > 1) return {};
      uploads.uploads.splice(0);
      return { cut: true };
    };
    expect(await client.put("large", BYTES, LARGE)).toEqual(REPLY);
    expect(uploads.pieces).toEqual([
      [0, 4 * MIB],
      [0, 4 * MIB],
    ]);
  });

  it("begins again at another server when its own stays away", async () => {
    const second = new ScriptedUploads();
    const spare = await ScriptedServer.start(second.answer);
    others.push(spare);
    await client.close();
    client = new Client("demo", { servers: [server.url, spare.url], deadlineMs: 3_000 });
    uploads.fate = () => {
      void server.kill();
      return { keptBytes: MIB, cut: true };
    };
    expect(await client.put("large", BYTES, LARGE)).toEqual(REPLY);
    expect(second.pieces).toEqual([[0, 4 * MIB]]);
    const keys = [uploads, second].map(({ uploads: [upload] }) => upload?.metadata.get("idempotency-key"));
    expect(keys[0]).toBe(keys[1]);
  });

  it("goes the way that it came, though the node knows itself under a name that leads nowhere from here", async () => {
    uploads.ownUrl = "http://127.0.0.1:1";
    expect(await client.put("large", BYTES, LARGE)).toEqual(REPLY);
    expect(methods()).toEqual(["POST", "HEAD", "PATCH"]);
  });

  it("goes to the node itself where one address leads to several", async () => {
    const node = await ScriptedServer.start(uploads.answer);
    others.push(node);
    uploads.ownUrl = node.url;
    server.answer = (request, response, raw) => {
      if (request.method === "POST") return uploads.answer(request, response, raw);
      response.setHeader("koboldfs-error", "upload_not_found");
      sendProblem(response, 404, "upload_not_found", false);
    };
    expect(await client.put("large", BYTES, LARGE)).toEqual(REPLY);
    expect([methods(), methods(node)]).toEqual([["POST", "HEAD"], ["PATCH"]]);
  });

  it("fails as server_unreachable when there is no other server", async () => {
    uploads.fate = () => {
      void server.kill();
      return { cut: true };
    };
    await expect(client.put("large", BYTES, LARGE)).rejects.toMatchObject({ code: "server_unreachable" });
  });

  it("goes on in another process that has the address, and checks the digest of the whole", async () => {
    await withLargeFile(async (path) => {
      const uploadMemory = new TestMemory();
      const controller = new AbortController();
      uploads.fate = () => {
        controller.abort(new Error("killed"));
        return { keptBytes: 3 * MIB, cut: true };
      };
      const first = new Client("demo", { servers: [server.url], uploadMemory });
      await expect(first.put("large", path, { ...LARGE, signal: controller.signal })).rejects.toThrow("killed");
      await first.close();
      expect([...uploadMemory.kept.values()]).toEqual([`${server.url}/v1/uploads/0`]);
      expect(uploads.ended).toBe(0);
      uploads.fate = () => ({});
      const next = new Client("demo", { servers: [server.url], uploadMemory });
      expect(await next.put("large", path, LARGE)).toEqual(REPLY);
      await next.close();
      expect(uploads.pieces.slice(1)).toEqual([[3 * MIB, MIB]]);
      expect(uploadMemory.kept.size).toBe(0);
    });
  });

  it("is another upload under another key, with other options, and of a file that changed", async () => {
    await withLargeFile(async (path) => {
      const uploadMemory = new TestMemory();
      uploads.fate = () => ({ keptBytes: 0, cut: true });
      const client = new Client("demo", { servers: [server.url], uploadMemory, deadlineMs: 50 });
      await expect(client.put("a", path, LARGE)).rejects.toThrow();
      await expect(client.put("b", path, LARGE)).rejects.toThrow();
      await expect(client.put("a", path, { ...LARGE, contentType: "text/plain" })).rejects.toThrow();
      await utimes(path, 1, 1);
      await expect(client.put("a", path, LARGE)).rejects.toThrow();
      await client.close();
      expect(uploadMemory.kept.size).toBe(4);
    });
  });

  it("does not go on with an upload of another size, nor with what is no address", async () => {
    await withLargeFile(async (path) => {
      const uploadMemory = new TestMemory();
      const remembering = new Client("demo", { servers: [server.url], uploadMemory });
      for (const url of ["nonsense", "ftp://x/v1/uploads/1", `${server.url}/v1/files/a`]) {
        uploadMemory.url = url;
        expect(await remembering.put("large", path, LARGE)).toEqual(REPLY);
      }
      expect(methods()).not.toContain("HEAD");
      await client.put("other", Buffer.alloc(2 * MIB), LARGE);
      uploadMemory.url = `${server.url}${uploads.uploads.at(-1)?.path}`;
      expect(await remembering.put("large", path, LARGE)).toEqual(REPLY);
      await remembering.close();
    });
  });

  it("that is called off ends its upload at the server", async () => {
    const controller = new AbortController();
    uploads.fate = () => {
      controller.abort(new Error("enough"));
      return { keptBytes: MIB, cut: true };
    };
    await expect(client.put("large", BYTES, { ...LARGE, signal: controller.signal })).rejects.toThrow("enough");
    expect(uploads.ended).toBe(1);
  });

  it("withdraws what arrived spoiled, and says digest_mismatch", async () => {
    const spoiled = sha256(Buffer.from("spoiled"));
    uploads.digestOf = () => spoiled;
    const { answer } = uploads;
    server.answer = (request, response, raw) =>
      request.url.startsWith("/v1/files") ? void response.writeHead(204).end() : answer(request, response, raw);
    await expect(client.put("large", BYTES, LARGE)).rejects.toMatchObject({ code: "digest_mismatch" });
    const withdrawn = server.requests.find(({ method, url }) => method === "DELETE" && url === "/v1/files/demo/large");
    expect(withdrawn?.headers).toMatchObject({ "if-match": `"${spoiled}"` });
  });

  it("fails as source_changed, and leaves no upload, when the file changes while it is read", async () => {
    await withLargeFile(async (path) => {
      const uploadMemory = new TestMemory();
      const remembering = new Client("demo", { servers: [server.url], uploadMemory });
      const onProgress = () => appendFileSync(path, "more");
      await expect(remembering.put("log", path, { ...LARGE, onProgress })).rejects.toMatchObject({
        code: "source_changed",
      });
      await remembering.close();
      expect(uploads.pieces).toEqual([]);
      expect(uploads.ended).toBe(1);
      expect(uploadMemory.kept.size).toBe(0);
    });
  });
});

async function withLargeFile(body: (path: string) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    const path = join(folder, "large");
    await writeFile(path, BYTES);
    // The file system's clock ticks a few milliseconds apart: a change in the tick of the file's birth is no news.
    await utimes(path, 0, 0);
    await body(path);
  });
}
