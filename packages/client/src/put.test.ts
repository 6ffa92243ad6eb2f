import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { HEADER } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { formatDigestHeader } from "./digest-header.js";
import { Client } from "./index.js";
import { ScriptedServer, sendProblem, sendPutReply, sha256, type Answer } from "./testing/scripted-server.js";
import { withTempFolder } from "./testing/temp-folder.js";

const MIB = 1024 * 1024;
const opened: { client: Client; servers: ScriptedServer[] }[] = [];

async function connect(
  ...answers: Answer[]
): Promise<{ client: Client; servers: ScriptedServer[]; first: ScriptedServer }> {
  const servers = await Promise.all(answers.map((answer) => ScriptedServer.start(answer)));
  const client = new Client("demo", { servers: servers.map((server) => server.url), deadlineMs: 3_000 });
  opened.push({ client, servers });
  return { client, servers, first: servers[0] as ScriptedServer };
}

afterEach(async () => {
  for (const { client, servers } of opened.splice(0)) {
    await client.close();
    await Promise.all(servers.map((server) => server.kill()));
  }
});

const store: Answer = (request, response) => sendPutReply(response, request.body);

function rewriteFirstByte(path: string): void {
  const file = openSync(path, "r+");
  writeSync(file, "x", 0);
  closeSync(file);
}

describe("put", () => {
  it("takes a path, bytes, a Blob, a stream and a function that opens one", async () => {
    const { client, first } = await connect(store);
    await withTempFolder(async (folder) => {
      const path = join(folder, "motd");
      await writeFile(path, "hello");
      const sources = [
        path,
        Buffer.from("hello"),
        new Blob(["hello"]),
        Readable.from(["hel", "lo"]),
        () => Readable.from(["hello"]),
      ];
      for (const source of sources) {
        expect(await client.put("motd", source)).toEqual({
          digest: sha256(Buffer.from("hello")),
          size: 5,
          version: 1,
          copies: 2,
          wanted: 2,
        });
      }
    });
    expect(first.requests.map(({ body }) => body.toString())).toEqual(Array(5).fill("hello"));
  });

  it("announces the digest of what is in memory or small, and the size of what it does not know yet", async () => {
    const { client, first } = await connect(store);
    await withTempFolder(async (folder) => {
      const large = Buffer.alloc(3 * MIB, 7);
      await writeFile(join(folder, "small"), "small");
      await writeFile(join(folder, "large"), large);
      await client.put("bytes", Buffer.from("bytes"));
      await client.put("small", join(folder, "small"));
      await client.put("large", join(folder, "large"));
      const [bytes, small, sentLarge] = first.requests;
      expect(bytes?.headers[HEADER.reprDigest]).toBe(formatDigestHeader(sha256(Buffer.from("bytes"))));
      expect(small?.headers[HEADER.reprDigest]).toBe(formatDigestHeader(sha256(Buffer.from("small"))));
      expect(sentLarge?.headers["content-length"]).toBe(String(large.length));
      expect(sentLarge?.body.equals(large)).toBe(true);
    });
  });

  it("sends an empty file as an empty file", async () => {
    const { client, first } = await connect(store);
    expect(await client.put("empty", Buffer.alloc(0))).toMatchObject({ size: 0, digest: sha256(Buffer.alloc(0)) });
    expect(first.requests[0]?.headers["content-length"]).toBe("0");
  });

  it("sends conditions, type, copies and metadata as headers", async () => {
    const { client, first } = await connect(store);
    await client.put("motd", Buffer.from("x"), {
      contentType: "text/plain",
      ifNoneMatch: "*",
      minCopies: 2,
      metadata: { title: "naïve" },
    });
    expect(first.requests[0]?.headers).toMatchObject({
      "content-type": "text/plain",
      "if-none-match": "*",
      [HEADER.minCopies]: "2",
      [`${HEADER.metadataPrefix}title*`]: "UTF-8''na%C3%AFve",
    });
  });

  it("lets keys with steps, double and trailing slashes reach the server as they are", async () => {
    const { client, first } = await connect(store);
    const keys = ["a/../b", "../x", "a//b", "dir/", "..", "%2e%2e/x", "ä ö?#&"];
    for (const key of keys) await client.put(key, Buffer.from("x"));
    const arrived = first.requests.map(({ url }) => decodeURIComponent(url.slice("/v1/files/demo/".length)));
    expect(arrived).toEqual(keys);
  });

  it("refuses keys that no server takes, without asking one", async () => {
    const { client, first } = await connect(store);
    for (const key of ["", "a\0b", "x".repeat(1025), "\ud800"]) {
      await expect(client.put(key, Buffer.from("x"))).rejects.toMatchObject({ code: "invalid_key" });
    }
    expect(first.requests).toEqual([]);
  });

  it("withdraws a stream that arrived spoiled, and says digest_mismatch", async () => {
    const spoiled = sha256(Buffer.from("spoiled"));
    const { client, first } = await connect((request, response) => {
      if (request.method === "PUT") sendPutReply(response, request.body, spoiled);
      else response.writeHead(204).end();
    });
    await expect(client.put("motd", Readable.from(["hello"]))).rejects.toMatchObject({ code: "digest_mismatch" });
    expect(first.requests[1]).toMatchObject({ method: "DELETE", headers: { "if-match": `"${spoiled}"` } });
  });

  it.each([
    ["grows", (path: string) => appendFileSync(path, "more")],
    ["is written to without a change of its size", (path: string) => rewriteFirstByte(path)],
  ])("fails as source_changed, and completes nothing, when a file %s while it is read", async (_how, change) => {
    await withTempFolder(async (folder) => {
      const path = join(folder, "log");
      await writeFile(path, Buffer.alloc(8 * MIB));
      // The file system's clock ticks a few milliseconds apart: a change in the tick of the file's birth is no news.
      await utimes(path, 0, 0);
      const { client, first } = await connect(store);
      let changed = false;
      const onProgress = () => {
        if (!changed) change(path);
        changed = true;
      };
      await expect(client.put("log", path, { onProgress })).rejects.toMatchObject({ code: "source_changed" });
      expect(first.requests).toEqual([]);
    });
  });

  it("says source_unreadable for a folder and for a file that is not there", async () => {
    const { client } = await connect(store);
    await withTempFolder(async (folder) => {
      await expect(client.put("a", folder)).rejects.toMatchObject({ code: "source_unreadable" });
      await expect(client.put("a", join(folder, "none"))).rejects.toMatchObject({ code: "source_unreadable" });
    });
  });

  it("refuses a source that has another digest than was announced, and does not try it again", async () => {
    const { client, first } = await connect((_request, response) =>
      sendProblem(response, 400, "digest_mismatch", true),
    );
    const digest = sha256(Buffer.from("other"));
    await expect(client.put("a", Buffer.from("x"), { digest })).rejects.toMatchObject({ code: "source_changed" });
    await expect(client.put("a", Readable.from(["x"]), { digest })).rejects.toMatchObject({ code: "source_changed" });
    expect(first.requests).toHaveLength(1);
  });

  it("tells progress up to the whole size", async () => {
    const { client } = await connect(store);
    const told: number[] = [];
    await client.put("a", new Blob([Buffer.alloc(MIB)]), { onProgress: (bytes) => told.push(bytes) });
    expect(told.at(-1)).toBe(MIB);
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  it("answers null from putStat where put would fail", async () => {
    const { client } = await connect((_request, response) => sendProblem(response, 507, "disk_full", false));
    expect(await client.putStat("a", Buffer.from("x"))).toBeNull();
  });

  it("rejects with the reason of its signal, also while a stream has nothing to give", async () => {
    const { client } = await connect(store);
    const controller = new AbortController();
    async function* stuck(): AsyncGenerator<string> {
      yield "begin";
      controller.abort(new Error("enough"));
      await new Promise(() => {});
    }
    await expect(client.put("a", stuck(), { signal: controller.signal })).rejects.toThrow("enough");
  });
});
