import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { NamespacePolicy, NodeInfo } from "@koboldfs/protocol";
import { NodeProcess } from "./node-process.js";
import { jsonOf, rawRequest } from "./raw-request.js";
import { TcpProxy } from "./tcp-proxy.js";
import { makeTempFolder, type TempFolder } from "./temp-folder.js";
import { type CatalogEngine, createTestCatalog, type TestCatalog } from "./test-catalog.js";
import { waitUntil, type WaitOptions } from "./wait-until.js";

/** The namespace that every cluster begins with. */
export const NAMESPACE = "demo";

export interface ClusterOptions {
  /** Nodes to start, named a, b, c … */
  readonly nodes: number;
  readonly engine: CatalogEngine;
  /** A catalog of another kind than the run's shared servers have; gets the folder of the cluster. */
  readonly catalog?: (folder: string) => Promise<TestCatalog>;
  /** The nodes' shared secret; a random one by default, null for none. */
  readonly secret?: string | null;
  /** Settings as environment variables without `KOBOLDFS_`, for all nodes. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Nodes reach the catalog through `catalogProxy`. Not for SQLite. */
  readonly proxyCatalog?: boolean;
  /** Each node reaches the catalog through `catalogProxyOf(name)`. Not for SQLite. */
  readonly proxyCatalogOfEach?: boolean;
  /** Nodes reach each other through `peerProxy(name)`; clients do not. */
  readonly proxyPeers?: boolean;
  /** Tests may order nodes to die at crash points. */
  readonly canCrash?: boolean;
  /** Other data folders of a node, one volume each, than one below the cluster's own folder. */
  readonly dataOf?: (name: string) => string | readonly string[] | undefined;
}

/** Nodes of one catalog as real processes, and everything that must go when the test is over. */
export class Cluster {
  readonly nodes: NodeProcess[] = [];
  readonly secret: string | undefined;
  readonly dsn: string;
  readonly folder: string;
  readonly catalogProxy: TcpProxy | undefined;
  readonly #options: ClusterOptions;
  readonly #temp: TempFolder;
  readonly #catalog: TestCatalog;
  readonly #peerProxies = new Map<string, TcpProxy>();
  readonly #catalogProxies = new Map<string, TcpProxy>();

  private constructor(options: ClusterOptions, parts: ClusterParts) {
    this.#options = options;
    this.#temp = parts.temp;
    this.#catalog = parts.catalog;
    this.catalogProxy = parts.catalogProxy;
    this.folder = parts.temp.path;
    this.secret = options.secret === null ? undefined : (options.secret ?? randomBytes(24).toString("hex"));
    this.dsn = parts.catalog.dsn;
  }

  /** Nothing runs yet: `addNode` and `start` do that. */
  static async prepare(options: ClusterOptions): Promise<Cluster> {
    const temp = makeTempFolder();
    try {
      const create = options.catalog ?? ((folder) => createTestCatalog(options.engine, folder));
      const catalog = await create(temp.path);
      const catalogProxy = options.proxyCatalog === true ? await proxyOf(catalog.dsn) : undefined;
      return new Cluster(options, { temp, catalog, catalogProxy });
    } catch (error) {
      temp.remove();
      throw error;
    }
  }

  /** Starts the nodes of the options at the same moment, waits until they see each other, and makes the namespace `NAMESPACE`. */
  async start(): Promise<void> {
    const names = Array.from({ length: this.#options.nodes }, (_, index) => String.fromCharCode(97 + index));
    for (const name of names) await this.prepareNode(name);
    await Promise.all(this.nodes.map((node) => node.start()));
    for (const node of this.nodes) this.#peerProxies.get(node.name)?.setTarget(addressOf(node.url));
    await this.waitUntilAllSeeAll();
    await this.createNamespace(NAMESPACE);
  }

  /** A node that is not started yet. */
  async prepareNode(name: string, settings: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
    const cwd = join(this.folder, name);
    const data = [this.#options.dataOf?.(name) ?? join(cwd, "data")].flat();
    for (const folder of [cwd, ...data]) mkdirSync(folder, { recursive: true });
    const { proxyPeers, proxyCatalogOfEach } = this.#options;
    const proxy = proxyPeers === true ? await TcpProxy.start() : undefined;
    if (proxyCatalogOfEach === true) this.#catalogProxies.set(name, await proxyOf(this.dsn));
    const catalogProxy = this.catalogProxy ?? this.#catalogProxies.get(name);
    if (proxy !== undefined) this.#peerProxies.set(name, proxy);
    const node = new NodeProcess({
      name,
      cwd,
      data,
      dsn: catalogProxy === undefined ? this.dsn : throughProxy(this.dsn, catalogProxy),
      ...(proxy !== undefined && { advertise: `http://127.0.0.1:${proxy.port}` }),
      settings: { ...this.settings(), ...settings },
      canCrash: this.#options.canCrash === true,
    });
    this.nodes.push(node);
    return node;
  }

  /** Starts one more node and waits until all see it. */
  async addNode(name: string): Promise<NodeProcess> {
    const node = await this.prepareNode(name);
    await node.start();
    this.#peerProxies.get(name)?.setTarget(addressOf(node.url));
    await this.waitUntilAllSeeAll();
    return node;
  }

  /** What every node of the cluster has in common. */
  settings(): Record<string, string> {
    return {
      // Heartbeats quick enough that tests see a death soon, slow enough that a busy machine does not fake one.
      INTERVAL: "0.5",
      ...(this.secret !== undefined && { CLUSTER_SECRET: this.secret }),
      ...this.#options.settings,
    };
  }

  node(name: string): NodeProcess {
    const node = this.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  peerProxy(name: string): TcpProxy {
    const proxy = this.#peerProxies.get(name);
    if (proxy === undefined) throw new Error(`no proxy in front of node ${name}`);
    return proxy;
  }

  catalogProxyOf(name: string): TcpProxy {
    const proxy = this.#catalogProxies.get(name);
    if (proxy === undefined) throw new Error(`no proxy between node ${name} and the catalog`);
    return proxy;
  }

  get urls(): string[] {
    return this.nodes.map((node) => node.url);
  }

  get running(): NodeProcess[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  async createNamespace(name: string, policy: Partial<NamespacePolicy> = {}): Promise<void> {
    const server = this.#anyUrl();
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(policy);
    const reply = await rawRequest(server, { method: "PUT", path: `/v1/namespaces/${name}`, headers, body });
    if (reply.status >= 300) throw new Error(`namespace ${name}: ${reply.status} ${reply.body.toString()}`);
  }

  /** All nodes as one running node sees them. */
  async nodeInfos(from?: NodeProcess): Promise<NodeInfo[]> {
    const reply = await rawRequest(from?.url ?? this.#anyUrl(), { path: "/v1/nodes" });
    if (reply.status !== 200) throw new Error(`/v1/nodes: ${reply.status} ${reply.body.toString()}`);
    const parsed = jsonOf<NodeInfo[] | { nodes: NodeInfo[] }>(reply);
    return Array.isArray(parsed) ? parsed : parsed.nodes;
  }

  async nodeInfo(name: string): Promise<NodeInfo> {
    const info = (await this.nodeInfos()).find((candidate) => candidate.name === name);
    if (info === undefined) throw new Error(`the cluster does not know node ${name}`);
    return info;
  }

  /** Every running node sees every running node alive. */
  async waitUntilAllSeeAll(): Promise<void> {
    for (const observer of this.running) {
      await waitUntil(`node ${observer.name} sees all running nodes alive`, async () => {
        const infos = await this.nodeInfos(observer);
        return this.running.every(({ name }) => infos.some((info) => info.name === name && info.state === "alive"));
      });
    }
  }

  async waitUntilState(name: string, state: NodeInfo["state"]): Promise<void> {
    await waitUntil(`node ${name} is ${state}`, async () => (await this.nodeInfo(name)).state === state);
  }

  /** Nobody owes a blob and every node is backfilled. */
  async waitUntilSettled(options: WaitOptions = { timeoutMs: 120_000 }): Promise<void> {
    await waitUntil(
      "all debts are paid",
      async () => (await this.nodeInfos()).every((info) => info.debtFiles === 0 && info.backfill === 1),
      options,
    );
  }

  /** The logs of all nodes, for the report of a failed test. */
  logs(): string {
    return this.nodes.map((node) => `===== node ${node.name}\n${node.log()}`).join("\n");
  }

  /** Ends and removes everything. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.destroy()));
    await Promise.all(
      [...this.#peerProxies.values(), ...this.#catalogProxies.values(), this.catalogProxy].map(async (proxy) =>
        proxy?.close(),
      ),
    );
    await this.#catalog.drop();
    this.#temp.remove();
  }

  #anyUrl(): string {
    const node = this.running[0];
    if (node === undefined) throw new Error("no node runs");
    return node.url;
  }
}

interface ClusterParts {
  readonly temp: TempFolder;
  readonly catalog: TestCatalog;
  readonly catalogProxy: TcpProxy | undefined;
}

/** A started cluster. The caller closes it; `withCluster` and `useCluster` do that by themselves. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = await Cluster.prepare(options);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    console.error(cluster.logs());
    await cluster.close();
    throw error;
  }
}

async function proxyOf(dsn: string): Promise<TcpProxy> {
  return TcpProxy.start(addressOf(dsn));
}

function throughProxy(dsn: string, proxy: TcpProxy): string {
  const url = new URL(dsn);
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  return url.href;
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
