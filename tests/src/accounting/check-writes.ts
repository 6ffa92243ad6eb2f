import { deepEqual } from "node:assert/strict";
import { basename } from "node:path";
import type { ListReply } from "@koboldfs/protocol";
import { checkWithSha256sum, filesBelow, listBlobFiles, listIncoming } from "../harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "../harness/cluster.js";
import { concurrently } from "../harness/concurrently.js";
import type { NodeProcess } from "../harness/node-process.js";
import { getFile, mustGet, sha256 } from "../harness/raw-files.js";
import { jsonOf, rawRequest } from "../harness/raw-request.js";
import type { Attempt } from "./write-ledger.js";

/** Requests at a time: the point is what is answered, not how fast. */
const WIDTH = 8;

/** Every one of these is answered by the node with the bytes that were put. */
export async function expectReadable(node: NodeProcess, attempts: readonly Attempt[]): Promise<void> {
  await concurrently(attempts, WIDTH, async ({ key, digest }) => {
    deepEqual([node.name, key, sha256(await mustGet(node.url, key))], [node.name, key, digest]);
  });
}

/** Those of the attempts that the node does not answer with their bytes. */
export async function findLost(node: NodeProcess, attempts: readonly Attempt[]): Promise<string[]> {
  const lost: string[] = [];
  await concurrently(attempts, WIDTH, async ({ key, digest }) => {
    const answer = await getFile(node.url, key).catch(() => undefined);
    if (answer?.status !== 200 || sha256(answer.body) !== digest) lost.push(key);
  });
  return lost;
}

/**
 * The accounting, once nobody owes anything: what was acknowledged is readable everywhere and lies on every disk, what
 * was not happened entirely or not at all, and no node tells another story than the others.
 */
export async function expectAccounted(cluster: Cluster, attempts: readonly Attempt[]): Promise<void> {
  await cluster.waitUntilSettled();
  const named = await findNamed(cluster, attempts);
  for (const node of cluster.running) {
    await expectReadable(node, named);
    if (named.length === 0) continue;
    await checkWithSha256sum(node, NAMESPACE, new Set(named.map(({ digest }) => digest)));
  }
}

/** Those that have a name now: everything acknowledged, and of the others those that happened. */
async function findNamed(cluster: Cluster, attempts: readonly Attempt[]): Promise<Attempt[]> {
  const named: Attempt[] = [];
  await concurrently(attempts, WIDTH, async (attempt) => {
    const { key, copies } = attempt;
    const answers = await Promise.all(cluster.running.map(({ url }) => getFile(url, key)));
    const states = new Set(answers.map(({ status }) => status));
    const isLegal = states.size === 1 && (states.has(200) || (copies === undefined && states.has(404)));
    const answered = `${key} (${copies} copies) is answered with ${answers.map(({ status }) => status)}`;
    if (!isLegal) throw new Error(answered);
    if (states.has(200)) named.push(attempt);
  });
  return named;
}

/** Nothing half done outlived the start of these nodes' processes. */
export function expectNoTemporaryFiles(nodes: readonly NodeProcess[]): void {
  for (const node of nodes) {
    const noted = node.data
      .flatMap((volume) => filesBelow(`${volume}/uploads`))
      .filter((name) => name.endsWith(".new"));
    deepEqual([node.name, listIncoming(node), noted], [node.name, [], []]);
  }
}

/** Digests of everything that has a name now. */
export async function listNamedDigests(node: NodeProcess): Promise<Set<string>> {
  const digests = new Set<string>();
  for (let after = ""; ; ) {
    const path = `/v1/files/${NAMESPACE}?limit=1000&after=${encodeURIComponent(after)}`;
    const { files, next } = jsonOf<ListReply>(await rawRequest(node.url, { path }));
    for (const { digest } of files) digests.add(digest);
    if (next === undefined) return digests;
    after = next;
  }
}

/** What the node's disks have too much and what they lack, against what has a name. Without older versions. */
export function compareDisk(node: NodeProcess, digests: ReadonlySet<string>): { orphans: string[]; missing: string[] } {
  const onDisk = new Set(listBlobFiles(node).map((path) => basename(path)));
  return {
    orphans: [...onDisk].filter((digest) => !digests.has(digest)),
    missing: [...digests].filter((digest) => !onDisk.has(digest)),
  };
}
