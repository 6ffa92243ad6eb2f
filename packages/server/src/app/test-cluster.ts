import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeInfo, PutReply } from "@koboldfs/protocol";
import { loadConfig } from "../config/load-config.js";
import { silentLogger } from "../runtime/logger.js";
import { type RunningNode, startNode } from "./start-node.js";

const POLL_MS = 20;
const PATIENCE_MS = 20_000;
const NAMESPACE = "demo";

type Flags = Record<string, string | string[]>;

/** Nodes in this process with real HTTP and real disks, on one SQLite catalog, in a folder of their own. */
export class TestCluster {
  readonly folder: string;
  readonly #running = new Map<string, RunningNode>();

  constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<TestCluster> {
    return new TestCluster(await mkdtemp(join(tmpdir(), "koboldfs-app-")));
  }

  get dsn(): string {
    return `sqlite:${join(this.folder, "catalog.sqlite")}`;
  }

  /** Starts the node of this name, with the data that it had before. */
  async start(name: string, flags: Flags = {}, signal?: AbortSignal): Promise<RunningNode> {
    const usual = { name, listen: "127.0.0.1:0", data: [join(this.folder, name)], dsn: this.dsn, interval: "0.1" };
    const { config } = await loadConfig({ flags: { ...usual, ...flags }, env: {} });
    const node = await startNode(config, { log: silentLogger, ...(signal !== undefined && { signal }) });
    this.#running.set(name, node);
    return node;
  }

  /** Starts several, and creates the namespace through the first. */
  async startAll(...names: string[]): Promise<RunningNode[]> {
    const nodes: RunningNode[] = [];
    for (const name of names) nodes.push(await this.start(name));
    const [first] = nodes;
    if (first !== undefined) await createNamespace(first);
    await eventually(async () => {
      for (const node of nodes) {
        if ((await aliveNodesSeenBy(node)) < nodes.length) return false;
      }
      return true;
    });
    return nodes;
  }

  async stop(name: string): Promise<void> {
    await this.#running.get(name)?.stop();
    this.#running.delete(name);
  }

  /** Stops what runs and removes every file. */
  async remove(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
    await rm(this.folder, { recursive: true });
  }

  /** Where the node's plain file of a blob lies. */
  blobPath(name: string, digest: string): string {
    return join(this.folder, name, "blobs", NAMESPACE, digest.slice(0, 2), digest.slice(2, 4), digest);
  }
}

export async function createNamespace(node: RunningNode, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(`${node.url}/v1/namespaces/${NAMESPACE}`, {
    method: "PUT",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ minCopies: 1 }),
  });
  if (!response.ok) throw new Error(await response.text());
}

export function fileUrl(node: RunningNode, key: string): string {
  return `${node.url}/v1/files/${NAMESPACE}/${key}`;
}

export async function putFile(node: RunningNode, key: string, content: string): Promise<PutReply> {
  const response = await fetch(fileUrl(node, key), { method: "PUT", body: content });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as PutReply;
}

/** The file's content, or the status of the refusal. */
export async function getFile(node: RunningNode, key: string): Promise<string | number> {
  const response = await fetch(fileUrl(node, key));
  const text = await response.text();
  return response.ok ? text : response.status;
}

export async function listNodes(node: RunningNode): Promise<NodeInfo[]> {
  const response = await fetch(`${node.url}/v1/nodes`);
  return ((await response.json()) as { nodes: NodeInfo[] }).nodes;
}

export async function aliveNodesSeenBy(node: RunningNode): Promise<number> {
  return (await listNodes(node)).filter(({ state }) => state === "alive").length;
}

/** Asks until the answer is yes. */
export async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`still not true after ${PATIENCE_MS / 1000} s: ${isTrue}`);
    await sleep(POLL_MS);
  }
}
