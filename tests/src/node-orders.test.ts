import { rmSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@koboldfs/client";
import type { NodePlan } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { checkWithSha256sum } from "./harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { NodeProcess } from "./harness/node-process.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import { jsonOf, rawRequest } from "./harness/raw-request.js";
import { COMMAND, mustRun, type ProgramOutcome, runProgram } from "./harness/run-program.js";
import { withCluster } from "./harness/use-cluster.js";

const FILES = 40;

describe("koboldfs node", () => {
  it("drains a node to its end: what only it has goes to the others first, and then it may go for ever", async () => {
    await withCluster({ nodes: 3, engine: "sqlite" }, async (cluster) => {
      const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
      for (const away of [b, c]) await away.kill("SIGKILL");
      for (const away of ["b", "c"]) await cluster.waitUntilState(away, "down");
      const digests = await putMany(a, "before");
      const begun = await plan(cluster, "node", "drain", "a", "--yes", "--no-wait");
      expect(begun).toMatchObject({ order: "draining", owedFiles: FILES, onlyHereFiles: FILES, isDispensable: false });
      expect(await order(cluster, "node", "forget", "a", "--yes")).toMatchObject({ code: 1 });
      for (const away of [b, c]) await away.start();
      expect(await plan(cluster, "node", "drain", "a", "--yes")).toMatchObject({ isDispensable: true, owedFiles: 0 });
      const later = await mustPut(a.url, "later", "put through a, which keeps nothing any more");
      expect(later).toMatchObject({ copies: 2, wanted: 2 });
      await a.stop();
      expect(await plan(cluster, "node", "forget", "a", "--yes")).toMatchObject({ order: "dead" });
      for (const node of [b, c]) await checkWithSha256sum(node, NAMESPACE, [...digests.values(), later.digest]);
      for (const [key, digest] of digests) expect(sha256(await mustGet(b.url, key))).toBe(digest);
      await a.startAndFail();
      expect(a.log()).toContain("node_dead");
      expect(await mustPut(b.url, "after", "x")).toMatchObject({ copies: 2, wanted: 2 });
    });
  });

  it("ends no drain while a prepared transaction waits, and does not give up the node with what it alone has of that", async () => {
    await withCluster({ nodes: 3, engine: "sqlite" }, async (cluster) => {
      const [a, b, c] = [cluster.node("a"), cluster.node("b"), cluster.node("c")];
      for (const away of [b, c]) await away.kill("SIGKILL");
      for (const away of ["b", "c"]) await cluster.waitUntilState(away, "down");
      const tx = await prepareOn(cluster, a, "staged");
      const forget = () => order(cluster, "node", "forget", "a", "--yes");
      const begun = await plan(cluster, "node", "drain", "a", "--yes", "--no-wait");
      expect(begun).toMatchObject({ onlyHereFiles: 1, stagedFiles: 1, isDispensable: false });
      expect(await forget()).toMatchObject({ code: 1, stderr: expect.stringContaining("sole_copies") });
      for (const away of [b, c]) await away.start();
      let isOver = false;
      const draining = plan(cluster, "node", "drain", "a", "--yes").finally(() => {
        isOver = true;
      });
      const look = async () => jsonOf<NodePlan>(await rawRequest(b.url, { path: "/v1/nodes/a/plan" }));
      await expect.poll(look, { timeout: 60_000 }).toMatchObject({ owedFiles: 0, onlyHereFiles: 0, stagedFiles: 1 });
      expect([(await look()).isDispensable, isOver]).toEqual([false, false]);
      expect(await forget()).toMatchObject({ code: 1, stderr: expect.stringContaining("sole_copies") });
      expect(await order(cluster, "transaction", "commit", tx, "--yes")).toMatchObject({ code: 0 });
      expect(await draining).toMatchObject({ stagedFiles: 0, isDispensable: true });
      await a.stop();
      expect(await plan(cluster, "node", "forget", "a", "--yes")).toMatchObject({ order: "dead" });
      for (const node of [b, c]) expect((await mustGet(node.url, "staged")).toString()).toBe("staged");
    });
  });

  it("refills an emptied machine under its name, once, and only when it was told so", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const digests = await putMany(a, "before");
      await cluster.waitUntilSettled();
      const { id } = await cluster.nodeInfo("b");
      expect((await order(cluster, "node", "refill", "b", "--yes")).stderr).toContain("node_running");
      await b.kill("SIGKILL");
      rmSync(b.data[0] as string, { recursive: true });
      await b.startAndFail();
      expect(b.log()).toContain("node_name_taken");
      await cluster.waitUntilState("b", "down");
      await plan(cluster, "node", "refill", "b", "--yes");
      const missed = await mustPut(a.url, "missed", "put while b is away");
      await b.start();
      await cluster.waitUntilSettled();
      expect((await cluster.nodeInfo("b")).id).toBe(id);
      await checkWithSha256sum(b, NAMESPACE, [...digests.values(), missed.digest]);
      expect(await mustPut(b.url, "after", "x")).toMatchObject({ copies: 2, wanted: 2 });
      await b.stop();
      rmSync(b.data[0] as string, { recursive: true });
      await b.startAndFail();
      expect(await cluster.nodeInfo("b")).toMatchObject({ id });
    });
  });

  it("lets a node with one replaced disk come back as itself, and fetches what was on the lost one", async () => {
    await withCluster({ nodes: 1, engine: "sqlite" }, async (cluster) => {
      const a = cluster.node("a");
      const data = ["one", "two"].map((name) => join(cluster.folder, name));
      const { dsn, folder: cwd } = cluster;
      const b = new NodeProcess({ name: "b", data, dsn, cwd, settings: cluster.settings() });
      cluster.nodes.push(b);
      await b.start();
      await cluster.waitUntilAllSeeAll();
      const digests = await putMany(a, "before");
      await cluster.waitUntilSettled();
      await b.stop();
      rmSync(data[1] as string, { recursive: true });
      await b.startAndFail();
      expect(b.log()).toContain("volume_refused");
      await cluster.waitUntilState("b", "down");
      await plan(cluster, "node", "refill", "b", "--yes");
      await b.start();
      await cluster.waitUntilSettled();
      await a.kill("SIGKILL");
      for (const [key, digest] of digests) expect(sha256(await mustGet(b.url, key))).toBe(digest);
    });
  });
});

async function putMany(node: NodeProcess, folder: string): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (let file = 0; file < FILES; file += 1) {
    const key = `${folder}/${file}`;
    digests.set(key, (await mustPut(node.url, key, `content of ${key}; `.repeat(1 + file * 20))).digest);
  }
  return digests;
}

/** A transaction that has staged this key on the node, and waits for its coordinator. */
async function prepareOn(cluster: Cluster, node: NodeProcess, key: string): Promise<string> {
  const token = cluster.secret !== undefined && { token: cluster.secret };
  const client = new Client(NAMESPACE, { servers: [node.url], ...token });
  const tx = await client.begin();
  await tx.files.put(key, Buffer.from(key));
  await tx.prepare();
  await client.close();
  return tx.id;
}

/** What the command answers with `--json`. */
async function plan(cluster: Cluster, ...args: string[]): Promise<NodePlan> {
  const text = await mustRun(COMMAND, [...args, "--json"], { env: environmentOf(cluster) });
  return JSON.parse(text) as NodePlan;
}

function order(cluster: Cluster, ...args: string[]): Promise<ProgramOutcome> {
  return runProgram(COMMAND, args, { env: environmentOf(cluster) });
}

function environmentOf(cluster: Cluster): Record<string, string> {
  return {
    KOBOLDFS_SERVER: cluster.running.map(({ url }) => url).join(","),
    ...(cluster.secret !== undefined && { KOBOLDFS_TOKEN: cluster.secret }),
  };
}
