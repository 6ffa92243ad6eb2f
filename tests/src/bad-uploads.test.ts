import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { listBlobFiles, listIncoming } from "./harness/blobs-on-disk.js";
import type { Cluster } from "./harness/cluster.js";
import { digestField, filePath, getFile, mustGet, mustPut, putFile, sha256 } from "./harness/raw-files.js";
import { openRequest, rawRequest, refusalOf } from "./harness/raw-request.js";
import { useCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const MIB = 1024 * 1024;

describe("a bad upload", () => {
  const cluster = useCluster({ nodes: 2, engine: "sqlite" });

  it.each([
    ["with a length", { "content-length": String(64 * MIB) }],
    ["in chunks", { "transfer-encoding": "chunked" }],
  ])(
    "of a client that vanishes mid-upload %s leaves nothing on any node",
    async (_name, headers: Record<string, string>) => {
      const before = blobsOf(cluster());
      const call = openRequest(cluster().node("a").url, { method: "PUT", path: filePath("vanished"), headers });
      call.on("error", () => {});
      call.write(Buffer.alloc(8 * MIB, "v"));
      try {
        await waitUntil("both nodes store", () => cluster().nodes.every((node) => listIncoming(node).length > 0));
      } finally {
        call.destroy();
      }
      await waitUntilNothingIncoming(cluster());
      expect(blobsOf(cluster())).toEqual(before);
      expect((await getFile(cluster().node("b").url, "vanished")).status).toBe(404);
    },
  );

  it.each([
    ["Content-Digest", "content-digest"],
    ["Repr-Digest", "repr-digest"],
  ])("whose bytes do not match its %s names nothing and keeps the old version", async (_name, header) => {
    const [a, b] = cluster().nodes.map((node) => node.url) as [string, string];
    const key = `digest/${header}`;
    await mustPut(a, key, `old version of ${header}`);
    await cluster().waitUntilSettled();
    const before = blobsOf(cluster());
    const headers = { [header]: digestField(sha256("other bytes")) };
    for (const target of [key, `${key}/new`]) {
      const reply = await putFile(a, target, { body: Buffer.alloc(3 * MIB, "d"), headers });
      expect(refusalOf(reply)).toEqual({ status: 400, code: "digest_mismatch" });
    }
    expect((await mustGet(b, key)).toString()).toBe(`old version of ${header}`);
    expect((await getFile(b, `${key}/new`)).status).toBe(404);
    await waitUntilNothingIncoming(cluster());
    expect(blobsOf(cluster())).toEqual(before);
  });

  it("that ends before its announced length names nothing and keeps the old version", async () => {
    const a = cluster().node("a").url;
    await mustPut(a, "short", "old version");
    await cluster().waitUntilSettled();
    const before = blobsOf(cluster());
    const answer = await sendAndEnd(
      a,
      [`PUT ${filePath("short")} HTTP/1.1`, "host: a", "content-length: 100"],
      "only ten..",
    );
    expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
    await waitUntilNothingIncoming(cluster());
    expect((await mustGet(a, "short")).toString()).toBe("old version");
    expect(blobsOf(cluster())).toEqual(before);
  });

  it("with more bytes than announced never makes a file of other bytes than were announced", async () => {
    const a = cluster().node("a").url;
    const head = [`PUT ${filePath("long")} HTTP/1.1`, "host: a", "content-length: 10", "connection: close"];
    await sendAndEnd(a, head, "ten bytes.and then some more");
    const reply = await getFile(a, "long");
    if (reply.status === 200) expect(reply.body.toString()).toBe("ten bytes.");
    else expect(reply.status).toBe(404);
  });

  it("with both a length and chunks is refused", async () => {
    const a = cluster().node("a").url;
    const head = [`PUT ${filePath("smuggled")} HTTP/1.1`, "host: a", "content-length: 3", "transfer-encoding: chunked"];
    expect(await sendAndEnd(a, head, "3\r\nabc\r\n0\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    expect((await getFile(a, "smuggled")).status).toBe(404);
  });

  it("into a namespace that does not exist is refused before its body is stored", async () => {
    const path = filePath("k", "nowhere");
    const reply = await rawRequest(cluster().node("a").url, { method: "PUT", path, body: "x" });
    expect(refusalOf(reply)).toEqual({ status: 404, code: "namespace_not_found" });
    expect(
      blobsOf(cluster())
        .flat()
        .filter((name) => name.startsWith("nowhere")),
    ).toEqual([]);
  });
});

/** Writes a request by hand, closes this side, and answers all that the server says. */
async function sendAndEnd(server: string, head: readonly string[], body: string): Promise<string> {
  const { hostname, port } = new URL(server);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  socket.on("error", () => {});
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  await once(socket, "close");
  return answer;
}

async function waitUntilNothingIncoming(cluster: Cluster): Promise<void> {
  await waitUntil("incoming/ is empty on all nodes", () =>
    cluster.nodes.every((node) => listIncoming(node).length === 0),
  );
}

function blobsOf(cluster: Cluster): string[][] {
  return cluster.nodes.map((node) => listBlobFiles(node));
}
