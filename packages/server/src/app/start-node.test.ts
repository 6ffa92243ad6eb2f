import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSqlCatalog } from "../catalog/sql/open-sql-catalog.js";
import { systemClock } from "../runtime/clock.js";
import { silentLogger } from "../runtime/logger.js";
import type { RunningNode } from "./start-node.js";
import { createNamespace, eventually, fileUrl, getFile, listNodes, putFile, TestCluster } from "./test-cluster.js";

/** More than what is buffered before the first byte goes to the disk. */
const HALF_BYTES = 1024 * 1024;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof KoboldError) return error.code;
    throw error;
  }
  return "none";
}

describe("startNode", { timeout: 60_000 }, () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await TestCluster.create();
  });
  afterEach(() => cluster.remove());

  it("needs nothing but a data directory, and finds everything again at the next start", async () => {
    const dsn = `sqlite:${join(cluster.folder, "a", "catalog.sqlite")}`;
    const first = await cluster.start("a", { dsn });
    await createNamespace(first);
    await putFile(first, "motd", "hello");
    await cluster.stop("a");
    const second = await cluster.start("a", { dsn });
    expect(second.id).toBe(first.id);
    expect(await getFile(second, "motd")).toBe("hello");
  });

  it("is ready when it has started", async () => {
    const node = await cluster.start("a");
    expect((await fetch(`${node.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${node.url}/healthz`)).status).toBe(200);
  });

  it("refuses a name that another node has, and leaves the new data directory as it was", async () => {
    await cluster.start("a");
    const data = [join(cluster.folder, "other")];
    expect(await codeOf(cluster.start("a", { data }))).toBe("node_name_taken");
    await cluster.start("b", { data });
  });

  it("refuses a data directory that another process uses", async () => {
    await cluster.start("a");
    expect(await codeOf(cluster.start("a"))).toBe("volume_in_use");
  });

  it("refuses a volume of another cluster", async () => {
    await cluster.start("a");
    await cluster.stop("a");
    const dsn = `sqlite:${join(cluster.folder, "other.sqlite")}`;
    expect(await codeOf(cluster.start("a", { dsn }))).toBe("volume_refused");
  });

  it("refuses to start without a volume that it had: the disk may not be mounted", async () => {
    const both = [join(cluster.folder, "one"), join(cluster.folder, "two")];
    const first = await cluster.start("a", { data: both });
    await cluster.stop("a");
    await rename(join(cluster.folder, "two"), join(cluster.folder, "unmounted"));
    await mkdir(join(cluster.folder, "two"));
    expect(await codeOf(cluster.start("a", { data: both }))).toBe("volume_refused");
    expect(await codeOf(cluster.start("a", { data: both.slice(0, 1) }))).toBe("volume_refused");
    await rename(join(cluster.folder, "unmounted"), join(cluster.folder, "three"));
    const moved = await cluster.start("a", { data: [both[0] ?? "", join(cluster.folder, "three")] });
    expect(moved.id).toBe(first.id);
  });

  it("refuses a folder with other people's files", async () => {
    await mkdir(join(cluster.folder, "a"));
    await writeFile(join(cluster.folder, "a", "thesis.tex"), "");
    expect(await codeOf(cluster.start("a"))).toBe("volume_refused");
  });

  it("leaves nothing running when it cannot listen", async () => {
    const first = await cluster.start("a");
    expect(await codeOf(cluster.start("b", { listen: `127.0.0.1:${first.port}` }))).toBe("listen_failed");
    expect(await listNodes(first)).toHaveLength(1);
    await cluster.start("b");
  });

  it("ends its start when it is told to stop", async () => {
    await expect(cluster.start("a", {}, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
  });

  it("refuses a node that was declared dead, and tells a running one to go", async () => {
    await cluster.start("a");
    const b = await cluster.start("b");
    await declareDead(cluster, b);
    await b.expelled;
    await cluster.stop("b");
    expect(await codeOf(cluster.start("b"))).toBe("node_dead");
  });

  it("lets clients in with the token only, when it listens beyond loopback", async () => {
    const node = await cluster.start("a", { listen: "0.0.0.0:0", url: "http://127.0.0.1:1", cluster_secret: "s3cret" });
    const url = `http://127.0.0.1:${node.port}/v1/nodes`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: "Bearer s3cret" } })).status).toBe(200);
  });

  it("refuses to start with another secret than the running nodes, and is entered nowhere", async () => {
    const a = await cluster.start("a", { cluster_secret: "one" });
    expect(await codeOf(cluster.start("b", { cluster_secret: "two" }))).toBe("peer_refused");
    expect((await listNodes(a)).map(({ name }) => name)).toEqual(["a"]);
    await cluster.start("b", { cluster_secret: "one" });
  });

  it("answers nobody on the node face who did not sign", async () => {
    const a = await cluster.start("a");
    expect((await fetch(`${a.url}/v1/node/ping`)).status).toBe(401);
  });

  it("finishes a running upload when it stops, and takes no new one", async () => {
    const node = await cluster.start("a");
    await createNamespace(node);
    const [first, later] = ["a".repeat(HALF_BYTES), "b".repeat(HALF_BYTES)];
    const upload = request(fileUrl(node, "slow"), { method: "PUT", headers: { "content-length": 2 * HALF_BYTES } });
    const answered = new Promise<number>((resolve, reject) => {
      upload.once("response", (response) => resolve(response.resume().statusCode ?? 0));
      upload.once("error", reject);
    });
    await new Promise<void>((resolve) => upload.write(first, () => resolve()));
    await eventually(async () => (await countIncoming(cluster)) === 1);
    const stopped = cluster.stop("a");
    await eventually(() => isRefusing(node));
    upload.end(later);
    expect(await answered).toBe(201);
    await stopped;
    expect(await getFile(await cluster.start("a"), "slow")).toBe(first + later);
  });
});

async function countIncoming(cluster: TestCluster): Promise<number> {
  return (await readdir(join(cluster.folder, "a", "incoming"))).length;
}

/** A node that stops takes no connection, or answers that it is stopping. */
async function isRefusing(node: RunningNode): Promise<boolean> {
  try {
    return (await fetch(`${node.url}/v1/nodes`)).status === 503;
  } catch {
    return true;
  }
}

async function declareDead(cluster: TestCluster, { id }: RunningNode): Promise<void> {
  const catalog = await openSqlCatalog({ dsn: cluster.dsn, logger: silentLogger, clock: systemClock });
  try {
    const node = (await catalog.listNodes()).find((record) => record.id === id);
    if (node === undefined) throw new Error("the node is not in the catalog");
    const { name, url, zone, volumes } = node;
    const outcome = await catalog.commit({ kind: "set-node", node: { id, name, url, zone, volumes, state: "dead" } });
    if (!outcome.ok) throw outcome.error;
  } finally {
    await catalog.close();
  }
}
