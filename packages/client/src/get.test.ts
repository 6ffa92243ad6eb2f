import { execFile } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { Client } from "./index.js";
import { type Answer, ScriptedServer, sendFile, sendProblem } from "./testing/scripted-server.js";
import { withTempFolder } from "./testing/temp-folder.js";

const CONTENT = Buffer.alloc(300_000, "0123456789abcdef");
const opened: { client: Client; servers: ScriptedServer[] }[] = [];

async function connect(...answers: Answer[]): Promise<{ client: Client; servers: ScriptedServer[] }> {
  const servers = await Promise.all(answers.map((answer) => ScriptedServer.start(answer)));
  const client = new Client("demo", { servers: servers.map((server) => server.url), deadlineMs: 3_000 });
  opened.push({ client, servers });
  return { client, servers };
}

afterEach(async () => {
  for (const { client, servers } of opened.splice(0)) {
    await client.close();
    await Promise.all(servers.map((server) => server.kill()));
  }
});

const serve: Answer = (request, response) => sendFile(request, response, CONTENT);
const absent: Answer = (_request, response) => sendProblem(response, 404, "not_found", false);

function flip(bytes: Buffer): Buffer {
  const spoiled = Buffer.from(bytes);
  spoiled[spoiled.length - 1] = 0xff;
  return spoiled;
}

const serveSpoiled: Answer = (request, response) => sendFile(request, response, CONTENT, flip);

/** Sends the first half and cuts the connection. */
const serveHalf: Answer = (request, response) => {
  sendFile(request, response, CONTENT, (bytes) => {
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    return Buffer.alloc(0);
  });
};

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** More than is written at once, and no multiple of it. */
const LARGE = Buffer.from(Array.from({ length: 1_700_001 }, (_, index) => (index * 31) % 251));

describe("a file that is written in several steps", () => {
  it("is whole, also when it broke off or came wrong first", async () => {
    const whole: Answer = (request, response) => sendFile(request, response, LARGE);
    const spoiled: Answer = (request, response) => sendFile(request, response, LARGE, flip);
    const half: Answer = (request, response) => {
      sendFile(request, response, LARGE, (bytes) => {
        response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
        return Buffer.alloc(0);
      });
    };
    for (const answers of [[whole], [half, whole], [spoiled, whole]]) {
      await withTempFolder(async (folder) => {
        const { client } = await connect(...answers);
        const path = join(folder, "large");
        expect(await client.get("motd", path)).toBe(true);
        expect((await readFile(path)).equals(LARGE)).toBe(true);
        expect(await readdir(folder)).toEqual(["large"]);
      });
    }
  });
});

describe("get", () => {
  it("writes into a Writable and leaves it open", async () => {
    const { client } = await connect(serve);
    const target = new PassThrough();
    const read = collect(target);
    expect(await client.get("motd", target)).toBe(true);
    expect(target.writableEnded).toBe(false);
    target.end();
    expect((await read).equals(CONTENT)).toBe(true);
  });

  it("writes into a WritableStream and leaves it open", async () => {
    const { client } = await connect(serve);
    const chunks: Uint8Array[] = [];
    const target = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
    expect(await client.get("motd", target)).toBe(true);
    expect(Buffer.concat(chunks).equals(CONTENT)).toBe(true);
    await target.close();
  });

  it("waits for a Writable that is slow", async () => {
    const { client } = await connect(serve);
    let waiting = 0;
    let most = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        waiting += 1;
        most = Math.max(most, waiting);
        setImmediate(() => {
          waiting -= 1;
          done();
        });
      },
    });
    expect(await client.get("motd", slow)).toBe(true);
    expect(most).toBe(1);
    expect(slow.writableLength).toBe(0);
  });

  it("writes a file in place of another, and leaves nothing else beside it", async () => {
    const { client } = await connect(serve);
    await withTempFolder(async (folder) => {
      await writeFile(join(folder, "motd"), "old");
      expect(await client.get("motd", join(folder, "motd"))).toBe(true);
      expect((await readFile(join(folder, "motd"))).equals(CONTENT)).toBe(true);
      expect(await readdir(folder)).toEqual(["motd"]);
    });
  });

  it("writes into a pipe or a device that stands there, and leaves it what it is", async () => {
    const { client } = await connect(serve);
    await withTempFolder(async (folder) => {
      const pipe = join(folder, "pipe");
      await promisify(execFile)("mkfifo", [pipe]);
      const [received] = await Promise.all([readFile(pipe), client.get("motd", pipe)]);
      expect(received.equals(CONTENT)).toBe(true);
      expect((await stat(pipe)).isFIFO()).toBe(true);
      expect(await readdir(folder)).toEqual(["pipe"]);
    });
  });

  it("answers false for a key that is not there, and keeps the file that was", async () => {
    const { client } = await connect(absent);
    await withTempFolder(async (folder) => {
      await writeFile(join(folder, "motd"), "old");
      expect(await client.get("motd", join(folder, "motd"))).toBe(false);
      expect(await readFile(join(folder, "motd"), "utf8")).toBe("old");
      expect(await readdir(folder)).toEqual(["motd"]);
    });
    expect(await client.getBytes("motd")).toBeUndefined();
    expect(await client.open("motd")).toBeUndefined();
    expect(await client.stat("motd")).toBeUndefined();
  });

  it("throws for a namespace that is not there: that is no missing file", async () => {
    const { client } = await connect((_request, response) => sendProblem(response, 404, "namespace_not_found", false));
    await expect(client.getBytes("motd")).rejects.toMatchObject({ code: "namespace_not_found" });
  });

  it("says digest_mismatch when bytes were spoiled on the way into a stream", async () => {
    const { client } = await connect(serveSpoiled);
    const target = new PassThrough().resume();
    await expect(client.get("motd", target)).rejects.toMatchObject({ code: "digest_mismatch" });
  });

  it("asks another server when bytes were spoiled on the way into a file or memory", async () => {
    for (const way of ["file", "memory"]) {
      const { client } = await connect(serveSpoiled, serve);
      await withTempFolder(async (folder) => {
        if (way === "file") await client.get("motd", join(folder, "motd"));
        else await writeFile(join(folder, "motd"), (await client.getBytes("motd")) ?? "");
        expect((await readFile(join(folder, "motd"))).equals(CONTENT)).toBe(true);
      });
    }
  });

  it("leaves no file, and no part of one, when every server spoils the bytes", async () => {
    const { client } = await connect(serveSpoiled, serveSpoiled);
    await withTempFolder(async (folder) => {
      await expect(client.get("motd", join(folder, "motd"))).rejects.toMatchObject({ code: "digest_mismatch" });
      expect(await readdir(folder)).toEqual([]);
    });
    await expect(client.getBytes("motd")).rejects.toMatchObject({ code: "digest_mismatch" });
  });

  it("says digest_mismatch after the last piece of an opened file", async () => {
    const { client } = await connect(serveSpoiled);
    const file = await client.open("motd");
    await expect(collect(file?.body ?? emptyBody())).rejects.toMatchObject({ code: "digest_mismatch" });
  });

  it("goes on at the same offset from another server when one breaks off", async () => {
    const { client, servers } = await connect(serveHalf, serve);
    const file = await client.open("motd");
    expect((await collect(file?.body ?? emptyBody())).equals(CONTENT)).toBe(true);
    const [again] = servers[1]?.requests ?? [];
    expect(again?.headers).toMatchObject({ range: "bytes=150000-299999", "if-match": `"${file?.info.digest}"` });
  });

  it("gives memory the whole file when one server breaks off", async () => {
    const { client } = await connect(serveHalf, serve);
    expect(Buffer.from((await client.getBytes("motd")) ?? []).equals(CONTENT)).toBe(true);
  });

  it("does not mix two versions when the file is overwritten after a break", async () => {
    const overwritten: Answer = (_request, response) => sendProblem(response, 412, "precondition_failed", false);
    const { client } = await connect(serveHalf, overwritten);
    await expect(client.get("motd", new PassThrough().resume())).rejects.toMatchObject({ code: "precondition_failed" });
  });

  it("finds out when the second half is of other bytes under the same tag", async () => {
    const { client } = await connect(serveHalf, serveSpoiled);
    await expect(client.get("motd", new PassThrough().resume())).rejects.toMatchObject({ code: "digest_mismatch" });
  });

  it("reads a part of a file, also over a break", async () => {
    const { client, servers } = await connect(serveHalf, serve);
    const bytes = await client.getBytes("motd", { range: { offset: 1_000, length: 100 } });
    expect(Buffer.from(bytes ?? []).equals(CONTENT.subarray(1_000, 1_100))).toBe(true);
    expect(servers[1]?.requests[0]?.headers.range).toBe("bytes=1000-1099");
  });

  it("refuses a file that is larger than the memory it may use", async () => {
    const { client } = await connect(serve);
    await expect(client.getBytes("motd", { maxBytes: 1_000 })).rejects.toMatchObject({ code: "too_large" });
  });

  it("hears what a server says though that is longer than the file may be", async () => {
    const { client } = await connect(absent);
    expect(await client.getBytes("motd", { maxBytes: 1 })).toBeUndefined();
  });

  it("stops reading into memory with its signal, and can be used again", async () => {
    const controller = new AbortController();
    const { client, servers } = await connect((request, response) => {
      if (servers[0]?.requests.length !== 1) return sendFile(request, response, CONTENT);
      sendFile(request, response, CONTENT, (bytes) => {
        response.write(bytes.subarray(0, 100_000), () => controller.abort(new Error("enough")));
        return Buffer.alloc(0);
      });
    });
    await expect(client.getBytes("motd", { signal: controller.signal })).rejects.toThrow("enough");
    await expect(client.getBytes("motd", { signal: controller.signal })).rejects.toThrow("enough");
    expect((await client.getBytes("motd"))?.length).toBe(CONTENT.length);
  });

  it("stops with its signal, and leaves no part of a file", async () => {
    const controller = new AbortController();
    const { client } = await connect((request, response) => {
      sendFile(request, response, CONTENT, (bytes) => {
        response.write(bytes.subarray(0, 100_000), () => controller.abort(new Error("enough")));
        return Buffer.alloc(0);
      });
    });
    await withTempFolder(async (folder) => {
      const get = client.get("motd", join(folder, "motd"), { signal: controller.signal });
      await expect(get).rejects.toThrow("enough");
      expect(await readdir(folder)).toEqual([]);
    });
  });

  it("says target_unwritable for a folder that is not there and for a stream that is closed", async () => {
    const { client } = await connect(serve);
    await expect(client.get("motd", "/no/such/folder/motd")).rejects.toMatchObject({ code: "target_unwritable" });
    const closed = new PassThrough();
    closed.destroy();
    await expect(client.get("motd", closed)).rejects.toMatchObject({ code: "target_unwritable" });
  });

  it("gives the connection back when a body is left early", async () => {
    const { client } = await connect(serve);
    const small = new Client("demo", { servers: [opened[0]?.servers[0]?.url ?? ""], maxInFlight: 1 });
    for (let round = 0; round < 3; round += 1) {
      const file = await small.open("motd");
      for await (const _ of file?.body ?? emptyBody()) break;
    }
    const discarded = await small.open("motd");
    discarded?.discard();
    expect((await small.getBytes("motd"))?.length).toBe(CONTENT.length);
    await small.close();
    expect(await client.getBytes("motd")).toBeDefined();
  });

  it("reads what the head says in stat", async () => {
    const { client } = await connect(serve);
    expect(await client.stat("motd")).toMatchObject({
      key: "motd",
      size: CONTENT.length,
      version: 7,
      contentType: "text/plain",
      modified: "2026-01-31T12:00:00.000Z",
    });
  });
});

async function* emptyBody(): AsyncGenerator<Uint8Array> {}
