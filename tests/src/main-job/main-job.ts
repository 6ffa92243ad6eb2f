import { mkdirSync, readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Client } from "@koboldfs/client";
import { describe, expect, it } from "vitest";
import { checkWithSha256sum } from "../harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "../harness/cluster.js";
import { concurrently } from "../harness/concurrently.js";
import { sha256 } from "../harness/raw-files.js";
import { COMMAND, mustRun } from "../harness/run-program.js";
import type { CatalogEngine } from "../harness/test-catalog.js";
import { useCluster } from "../harness/use-cluster.js";
import { listFiles, REAL_TREE, selectFiles, type TreeFile } from "../trees/select-files.js";

export interface MainJobOptions {
  readonly engine: CatalogEngine;
  /** Files of the tree that all nodes are alive for. */
  readonly files: number;
  /** Files of each tree that goes in while a node is dead. */
  readonly filesWhileDead: number;
  /** How the first tree goes in. */
  readonly by: "client" | "sync";
}

const WIDTH = 16;

/** What KoboldFS is for: a real folder goes in through one of three nodes and is on all of them, whichever dies. */
export function describeMainJob(options: MainJobOptions): void {
  const { engine, files, filesWhileDead } = options;

  describe(`the main job on ${engine}`, () => {
    const cluster = useCluster({ nodes: 3, engine });

    it(`takes ${files} real files in through node a by ${options.by} and gives every byte out of b, c and their disks`, async () => {
      const tree = selectFiles(REAL_TREE, files);
      if (options.by === "client") await putTree(cluster(), tree, ["a"]);
      else await syncTree(cluster(), tree);
      const digests = digestsOf(tree);
      for (const name of ["b", "c"]) await expectTreeThrough(cluster(), name, digests);
      await cluster().waitUntilSettled();
      for (const node of cluster().nodes) await checkWithSha256sum(node, NAMESPACE, new Set(digests.values()));
    });

    it.each([
      ["a peer", "b", ["a"]],
      ["the node that the client talks to", "a", ["a", "b", "c"]],
    ])("fails no put when %s is killed meanwhile, and the node catches up", async (_name, victim, servers) => {
      const skip = victim === "b" ? files : files + filesWhileDead;
      const tree = selectFiles(REAL_TREE, filesWhileDead, skip);
      await putTree(cluster(), tree, servers, { after: filesWhileDead / 4, kill: victim });
      const digests = digestsOf(tree);
      for (const node of cluster().running) await expectTreeThrough(cluster(), node.name, digests);
      await cluster().node(victim).restart();
      await cluster().waitUntilAllSeeAll();
      await cluster().waitUntilSettled();
      await checkWithSha256sum(cluster().node(victim), NAMESPACE, new Set(digests.values()));
      await expectTreeThrough(cluster(), victim, digests);
    });
  });
}

/** Puts every file, and kills a node with SIGKILL when `after` of them were acknowledged. Any failed put rejects. */
async function putTree(
  cluster: Cluster,
  tree: readonly TreeFile[],
  servers: readonly string[],
  death?: { after: number; kill: string },
): Promise<void> {
  const client = new Client(NAMESPACE, { servers: servers.map((name) => cluster.node(name).url) });
  let acknowledged = 0;
  try {
    await concurrently(tree, WIDTH, async (file) => {
      const reply = await client.put(file.path, join(REAL_TREE, file.path));
      expect(reply.size).toBe(file.sizeBytes);
      acknowledged += 1;
      if (acknowledged === death?.after) await cluster.node(death.kill).kill("SIGKILL");
    });
  } finally {
    await client.close();
  }
}

/** `koboldfs sync` up through node a and down again through node c, compared file by file. */
async function syncTree(cluster: Cluster, tree: readonly TreeFile[]): Promise<void> {
  const [up, down] = [join(cluster.folder, "up"), join(cluster.folder, "down")];
  for (const folder of new Set(tree.map((file) => dirname(join(up, file.path)))))
    mkdirSync(folder, { recursive: true });
  await concurrently(tree, WIDTH, (file) => copyFile(join(REAL_TREE, file.path), join(up, file.path)));
  const env = { XDG_CACHE_HOME: cluster.folder };
  await mustRun(COMMAND, ["sync", up, `${NAMESPACE}/`, "--server", cluster.node("a").url], { env });
  await mustRun(COMMAND, ["sync", `${NAMESPACE}/`, down, "--server", cluster.node("c").url], { env });
  expect(listFiles(down).sort()).toEqual(tree.map((file) => file.path).sort());
  for (const { path } of tree)
    expect(readFileSync(join(down, path)).equals(readFileSync(join(up, path))), path).toBe(true);
}

function digestsOf(tree: readonly TreeFile[]): Map<string, string> {
  return new Map(tree.map(({ path }) => [path, sha256(readFileSync(join(REAL_TREE, path)))]));
}

/** Reads every file through one node and hashes what arrives here, trusting neither header nor client. */
async function expectTreeThrough(cluster: Cluster, name: string, digests: ReadonlyMap<string, string>): Promise<void> {
  const client = new Client(NAMESPACE, { servers: [cluster.node(name).url] });
  try {
    await concurrently(digests, WIDTH, async ([path, digest]) => {
      const bytes = await client.getBytes(path);
      expect([path, bytes && sha256(bytes)]).toEqual([path, digest]);
    });
  } finally {
    await client.close();
  }
}
