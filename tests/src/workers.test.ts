import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PutReply, StatusReply, TransactionInfo, WorkersInfo } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { blobPath, hasBlob } from "./harness/blobs-on-disk.js";
import { NAMESPACE } from "./harness/cluster.js";
import { holdUpload } from "./harness/held-upload.js";
import { comparable, KeptConnection } from "./harness/kept-connection.js";
import type { NodeProcess } from "./harness/node-process.js";
import { isAlive } from "./harness/owned-process.js";
import { acknowledged, filePath, mustGet, mustPut, putFile, sha256 } from "./harness/raw-files.js";
import { jsonOf, openRequest, rawRequest, refusalOf } from "./harness/raw-request.js";
import { RoughLoad } from "./harness/rough-load.js";
import { SlowUpload } from "./harness/slow-upload.js";
import { useCluster, withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const WORKERS = 3;
const LARGE = Buffer.alloc(3_000_000, "a file that is sent in pieces; ");
/** What the node process lets in of clients at once when there are other processes. */
const RUNNING_OF_NODE = 256;

describe("a node of three processes", () => {
  const cluster = useCluster({ nodes: 2, engine: "sqlite", settings: { WORKERS: String(WORKERS) } });

  it("serves one port by all of them", async () => {
    const a = cluster().node("a");
    await waitForReaders(a);
    await mustPut(a.url, "shared", "seen by all");
    const connections = await Promise.all(Array.from({ length: 9 }, () => KeptConnection.ofReader(a.url, "shared")));
    for (const connection of connections) expect((await connection.get("shared")).body.toString()).toBe("seen by all");
    const {
      pid,
      connections: own,
      readers,
    } = await waitUntil("the readers have told their counts", async () => {
      const seen = await workersOf(a);
      return seen.readers.every(({ answered }) => answered >= 4) && seen;
    });
    expect(pid).toBe(a.pid);
    expect(own).toBeGreaterThanOrEqual(2);
    for (const reader of readers) {
      expect(parentOf(reader.pid)).toBe(a.pid);
      expect(reader.connections).toBeGreaterThanOrEqual(2);
    }
    for (const connection of connections) connection.close();
  });

  it("says the same whichever process is asked, of files, parts, conditions and failures", async () => {
    const a = cluster().node("a");
    const { digest, version } = await mustPut(a.url, "same", "0123456789");
    await mustPut(a.url, "same large", LARGE);
    const [reader, node] = [await KeptConnection.ofReader(a.url), await KeptConnection.ofNode(a.url)];
    const path = filePath("same");
    const tag = `"${digest}"`;
    const cases: [string, Record<string, string>?, string?][] = [
      [path],
      [path, {}, "HEAD"],
      [path, { range: "bytes=2-4" }],
      [path, { range: "bytes=-3" }],
      [path, { range: "bytes=20-" }],
      [path, { range: "bytes=1-1", "if-range": tag }],
      [path, { range: "bytes=1-1", "if-range": '"other"' }],
      [path, { "if-none-match": tag }],
      [path, { "if-none-match": tag }, "HEAD"],
      [path, { "if-match": '"0"' }],
      [path, { "if-match": "nonsense" }],
      [path, { "if-modified-since": "Fri, 27 Nov 2099 00:00:00 GMT" }],
      [`${path}?version=${version}`],
      [`${path}?versions`],
      [`${path}?consistency=strong`],
      [`${path}?nonsense`],
      [filePath("none")],
      [filePath("none"), {}, "HEAD"],
      ["/v1/files/nowhere/x"],
      [`/v1/files/${NAMESPACE}`],
      [`/v1/files/${NAMESPACE}/%ff`],
      ["/v1/namespaces"],
      ["/nothing"],
      ["/healthz"],
      [filePath("same large")],
      [filePath("same large"), { range: "bytes=100000-2000000" }],
    ];
    for (const [path, headers = {}, method = "GET"] of cases) {
      const [one, other] = [await reader.send({ method, path, headers }), await node.send({ method, path, headers })];
      expect(comparable(one), `${method} ${path} ${JSON.stringify(headers)}`).toEqual(comparable(other));
    }
    reader.close();
    node.close();
  });

  it("takes puts, deletes, uploads and transactions on connections of its readers", async () => {
    const a = cluster().node("a");
    const connection = await KeptConnection.ofReader(a.url);
    const put = acknowledged(await connection.put("work", "first"));
    expect(put).toMatchObject({ digest: sha256("first"), copies: 2 });
    expect((await connection.get("work")).body.toString()).toBe("first");
    expect(acknowledged(await connection.put("large", LARGE)).digest).toBe(sha256(LARGE));
    expect(sha256((await connection.get("large")).body)).toBe(sha256(LARGE));
    const path = filePath("work");
    expect((await connection.send({ method: "DELETE", path })).status).toBe(204);
    expect(refusalOf(await connection.get("work"))).toEqual({ status: 404, code: "not_found" });
    await uploadInPieces(connection);
    await commitTransaction(connection);
    connection.close();
  });

  it("shows what it acknowledged on every connection at once, overwritten again and again", async () => {
    await overwriteAndRead(cluster().node("a"), 8);
  });

  it("has a blob that is gone or rotten here from a peer, and notes that it is owed", async () => {
    const a = cluster().node("a");
    const small = await mustPut(a.url, "gone", "bytes that somebody removed by hand");
    const large = await mustPut(a.url, "rotten", Buffer.concat([LARGE, Buffer.from("rotten")]));
    await cluster().waitUntilSettled();
    const [volume = ""] = a.data;
    rmSync(blobPath(volume, NAMESPACE, small.digest));
    const rotten = blobPath(volume, NAMESPACE, large.digest);
    const bytes = readFileSync(rotten);
    bytes[LARGE.length - 5] = 0;
    writeFileSync(rotten, bytes);
    const connection = await KeptConnection.ofReader(a.url);
    expect((await connection.get("gone")).body.toString()).toBe("bytes that somebody removed by hand");
    expect(sha256((await connection.get("rotten")).body)).toBe(large.digest);
    connection.close();
    await waitUntil("both are here again", () => {
      return hasBlob(a, NAMESPACE, small.digest) && sha256(readFileSync(rotten)) === large.digest;
    });
  });

  it("lets in no more than one process would", async () => {
    const a = cluster().node("a");
    const held = Array.from({ length: RUNNING_OF_NODE + 20 }, (_, index) => holdUpload(a, `held ${index}`, index));
    await waitUntil("all beyond the bound are refused", () => held.filter(({ reply }) => reply() === 503).length >= 20);
    await sleep(300);
    expect(held.filter(({ reply }) => reply() === 503)).toHaveLength(20);
    for (const { close } of held) close();
    await waitUntil("there is room again", async () => (await putFile(a.url, "room", { body: "x" })).status === 201);
  });

  it("loses nothing when its readers are killed again and again, and replaces them", async () => {
    const a = cluster().node("a");
    const load = new RoughLoad(a);
    const running = load.run(6);
    for (let kill = 0; kill < 5; kill += 1) {
      const { readers } = await waitForReaders(a, 1);
      const victim = readers[kill % readers.length]?.pid;
      if (victim !== undefined) process.kill(victim, "SIGKILL");
      await sleep(100);
    }
    await waitForReaders(a);
    load.stop();
    await running;
    expect(load.surprises).toEqual([]);
    expect(load.acknowledged.size).toBeGreaterThan(20);
    for (const [key, content] of load.acknowledged) expect((await mustGet(a.url, key)).toString()).toBe(content);
    expect((await workersOf(a)).ended).toBe(5);
    expect(a.log()).toContain('"reader_ended"');
  });

  it("finishes what runs in its readers when it is told to stop, and leaves nothing behind", async () => {
    const b = cluster().node("b");
    const { readers } = await waitForReaders(b);
    const folder = runFolderOf(b);
    expect([statSync(folder), statSync(join(folder, "node.sock"))].map(({ mode }) => mode & 0o777)).toEqual([
      0o700, 0o600,
    ]);
    const connection = await KeptConnection.ofReader(b.url);
    const upload = SlowUpload.begin(b.url, "while stopping", 2 * LARGE.length);
    await upload.send(LARGE);
    await mustPut(b.url, "slow", LARGE);
    const call = openRequest(b.url, { path: filePath("slow") });
    call.end();
    const [download] = (await once(call, "response")) as [IncomingMessage];
    const stopped = b.stop();
    await waitUntil("new reads are refused", async () => {
      const reply = await connection.get("slow").catch(() => undefined);
      return reply === undefined || reply.status === 503;
    });
    await upload.send(LARGE);
    const { reply, sentDigest } = await upload.finish();
    expect(reply.digest).toBe(sentDigest);
    const chunks: Buffer[] = [];
    for await (const chunk of download) chunks.push(chunk as Buffer);
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(LARGE));
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(readers.map(({ pid }) => isAlive(pid))).toEqual([false, false]);
    expect(existsSync(folder)).toBe(false);
    connection.close();
    await b.restart();
  });

  it("takes its readers with it when it is killed, and the port is free", async () => {
    const b = cluster().node("b");
    const { readers } = await waitForReaders(b);
    const folder = runFolderOf(b);
    await b.kill("SIGKILL");
    await waitUntil("the readers have ended", () => readers.every(({ pid }) => !isAlive(pid)), { timeoutMs: 5_000 });
    expect(existsSync(folder)).toBe(false);
    await b.restart();
    expect((await mustGet(b.url, "while stopping")).length).toBe(2 * LARGE.length);
  });
});

describe("a node of two processes on PostgreSQL", () => {
  it("shows what it acknowledged on every connection at once, and hands on while the database is away", async () => {
    const settings = { WORKERS: "2" };
    await withCluster({ nodes: 1, engine: "postgres", settings, proxyCatalog: true }, async (cluster) => {
      const a = cluster.node("a");
      await waitForReaders(a, 1);
      await overwriteAndRead(a, 6);
      const connection = await KeptConnection.ofReader(a.url, "client 0");
      const before = await connection.get("client 0");
      cluster.catalogProxy?.cut();
      const away = await waitUntil("the mirror answers", async () => {
        const reply = await connection.get("client 0");
        return reply.status === 200 && reply.headers["koboldfs-as-of"] !== undefined && reply;
      });
      expect(away.body).toEqual(before.body);
      cluster.catalogProxy?.heal();
      await waitUntil("the catalog answers", async () => {
        return (await connection.get("client 0")).headers["koboldfs-as-of"] === undefined;
      });
      connection.close();
    });
  });
});

async function workersOf({ url }: NodeProcess): Promise<WorkersInfo> {
  const { workers } = jsonOf<StatusReply>(await rawRequest(url, { path: "/v1/status" }));
  if (workers === undefined) throw new Error("the node has one process only");
  return workers;
}

/** So many serve: each has taken a connection since this began. */
async function waitForReaders(node: NodeProcess, least = WORKERS - 1): Promise<WorkersInfo> {
  return waitUntil(`${least} readers of node ${node.name} serve`, async () => {
    const kept = await Promise.all(
      Array.from({ length: 6 }, () => KeptConnection.ofReader(node.url).catch(() => undefined)),
    );
    const workers = await workersOf(node);
    for (const connection of kept) connection?.close();
    const readers = workers.readers.filter(({ connections }) => connections > 0);
    return readers.length >= least && { ...workers, readers };
  });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Where the node's processes meet: the folder of the one unix socket that it listens on. */
function runFolderOf({ pid }: NodeProcess): string {
  const own = readdirSync(`/proc/${pid}/fd`).map((fd) => descriptor(`/proc/${pid}/fd/${fd}`));
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  const line = lines
    .map((text) => text.trim().split(/\s+/))
    .find((words) => {
      return words[7]?.includes("/koboldfs-run-") === true && own.includes(`socket:[${words[6]}]`);
    });
  if (line?.[7] === undefined) throw new Error("the node listens on no unix socket");
  return dirname(line[7]);
}

/** What it leads to; undefined when it was closed meanwhile. */
function descriptor(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Each client overwrites a key of its own, on a connection of whatever process, and reads it on all others at once. */
async function overwriteAndRead({ url }: NodeProcess, clients: number): Promise<void> {
  const readers = await Promise.all(Array.from({ length: 4 }, () => KeptConnection.ofReader(url)));
  const others = await Promise.all(Array.from({ length: 2 }, () => KeptConnection.ofNode(url)));
  const connections = [...readers, ...others];
  const stale: string[] = [];
  const client = async (id: number): Promise<void> => {
    for (let round = 0; round < 25; round += 1) {
      const content = `client ${id}, round ${round}`;
      const writer = connections[(id + round) % connections.length] as KeptConnection;
      acknowledged(await writer.put(`client ${id}`, content));
      const replies = await Promise.all(connections.map((connection) => connection.get(`client ${id}`)));
      stale.push(...replies.map(({ body }) => body.toString()).filter((found) => found !== content));
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  expect(stale).toEqual([]);
  for (const connection of connections) connection.close();
}

async function uploadInPieces(connection: KeptConnection): Promise<void> {
  const tus = { "tus-resumable": "1.0.0" };
  const encode = (text: string) => Buffer.from(text).toString("base64");
  const metadata = `namespace ${encode(NAMESPACE)},key ${encode("pieces")}`;
  const headers = { ...tus, "upload-length": String(LARGE.length), "upload-metadata": metadata };
  const { headers: created, status } = await connection.send({ method: "POST", path: "/v1/uploads", headers });
  expect(status).toBe(201);
  const half = LARGE.length >> 1;
  for (const [offset, end] of [
    [0, half],
    [half, LARGE.length],
  ] as const) {
    const piece = { ...tus, "upload-offset": String(offset), "content-type": "application/offset+octet-stream" };
    const path = new URL(String(created.location), "http://localhost").pathname;
    const body = LARGE.subarray(offset, end);
    expect((await connection.send({ method: "PATCH", path, headers: piece, body })).status).toBe(204);
  }
  expect(sha256((await connection.get("pieces")).body)).toBe(sha256(LARGE));
}

async function commitTransaction(connection: KeptConnection): Promise<void> {
  const json = { "content-type": "application/json" };
  const begun = await connection.send({ method: "POST", path: "/v1/transactions", headers: json, body: "{}" });
  const { id } = jsonOf<TransactionInfo>(begun);
  const within = { "koboldfs-transaction": id };
  for (const key of ["one", "two"]) {
    const staged = await connection.send({
      method: "PUT",
      path: filePath(key),
      headers: within,
      body: `staged ${key}`,
    });
    expect(jsonOf<PutReply>(staged).digest).toBe(sha256(`staged ${key}`));
  }
  expect((await connection.get("one")).status).toBe(404);
  expect((await connection.get("one", within)).body.toString()).toBe("staged one");
  await connection.send({ method: "POST", path: `/v1/transactions/${id}/commit`, headers: json, body: '{"steps":2}' });
  for (const key of ["one", "two"]) expect((await connection.get(key)).body.toString()).toBe(`staged ${key}`);
}
