import { describe, expect, it } from "vitest";
import { expectAccounted } from "./accounting/check-writes.js";
import { WriteLedger } from "./accounting/write-ledger.js";
import type { Cluster } from "./harness/cluster.js";
import { waitUntilWhole } from "./harness/node-status.js";
import { SeededRandom, seededRandom } from "./harness/random.js";
import { mustPut } from "./harness/raw-files.js";
import type { TcpProxy } from "./harness/tcp-proxy.js";
import { useCluster } from "./harness/use-cluster.js";
import { RecordedFiles } from "./history/recorded-files.js";
import { NETWORK_FAULTS } from "./soak/fault-kinds.js";

/** Who is cut off from whom. With three nodes and a catalog, every other shape is one of these under another name. */
const PARTITIONS: readonly { readonly shape: string; readonly ways: (cluster: Cluster) => readonly TcpProxy[] }[] = [
  { shape: "one node from the catalog", ways: (cluster) => [cluster.catalogProxyOf("a")] },
  {
    shape: "all nodes from the catalog",
    ways: (cluster) => cluster.nodes.map(({ name }) => cluster.catalogProxyOf(name)),
  },
  { shape: "one node from its peers", ways: (cluster) => [cluster.peerProxy("a")] },
  { shape: "every node from every other", ways: (cluster) => cluster.nodes.map(({ name }) => cluster.peerProxy(name)) },
  {
    shape: "one node from peers and catalog",
    ways: (cluster) => [cluster.peerProxy("b"), cluster.catalogProxyOf("b")],
  },
  {
    shape: "the catalog from all but one node, and that one from its peers",
    ways: (cluster) => [cluster.catalogProxyOf("a"), cluster.catalogProxyOf("b"), cluster.peerProxy("c")],
  },
];
/** What is more than a partition: an answer that is lost after its request arrived, a body that ends in the middle. */
const DISTURBANCES = NETWORK_FAULTS.filter(({ name }) => name.endsWith("deaf") || name.endsWith("broken off"));
/** Longer than the two seconds after which a peer that makes no progress is given up. */
const PARTITION_MS = 2_500;

describe("with three nodes and a catalog in PostgreSQL", () => {
  const cluster = useCluster({
    nodes: 3,
    engine: "postgres",
    canCrash: true,
    proxyPeers: true,
    proxyCatalogOfEach: true,
  });

  it.each(PARTITIONS)("a partition of $shape loses nothing and tells no two stories", async ({ shape, ways }) => {
    const traffic = new Traffic(cluster(), shape);
    for (const proxy of ways(cluster())) proxy.blackHole();
    await traffic.runFor(PARTITION_MS);
    for (const proxy of ways(cluster())) proxy.heal();
    await traffic.account();
  });

  it.each(DISTURBANCES)("when $does, nothing is lost and no two stories are told", async ({ name, inject }) => {
    const random = seededRandom(name);
    const traffic = new Traffic(cluster(), name);
    const ground = { cluster: cluster(), random, hasCatalogProxies: true, longestMs: PARTITION_MS };
    const [isInjected] = await Promise.all([inject(ground), traffic.runFor(PARTITION_MS)]);
    expect(isInjected).toBe(true);
    await traffic.account();
  });
});

/** Clients of all nodes: some keys that all write and read, and files of their own. */
class Traffic {
  readonly #cluster: Cluster;
  readonly #name: string;
  readonly #files: RecordedFiles;
  readonly #ledger = new WriteLedger();

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster;
    this.#name = name;
    this.#files = new RecordedFiles(`${name}/`, ["one", "two", "three"]);
  }

  async runFor(ms: number): Promise<void> {
    const until = performance.now() + ms;
    await Promise.all(this.#cluster.urls.map((url, lane) => this.#run(url, lane, until)));
  }

  async #run(url: string, lane: number, until: number): Promise<void> {
    const random = new SeededRandom(lane);
    for (let turn = 0; performance.now() < until; turn += 1) {
      const key = this.#files.keys[random.between(0, 3)] as string;
      const body = `${this.#name} ${lane} ${turn} `.repeat(random.between(1, 2_000));
      const chance = random.next();
      if (chance < 0.3) await this.#files.put(url, key, body);
      else if (chance < 0.4) await this.#files.delete(url, key);
      else if (chance < 0.6) await this.#files.get(url, key);
      else if (chance < 0.7) await this.#files.list(url);
      else await this.#ledger.put(url, `${this.#name} own/${lane}-${turn}`, body);
    }
  }

  async account(): Promise<void> {
    await this.#cluster.waitUntilAllSeeAll();
    for (const node of this.#cluster.nodes) await waitUntilWhole(node);
    await mustPut(this.#cluster.urls[0] as string, `${this.#name} afterwards`, "all is well");
    for (const url of this.#cluster.urls) for (const key of this.#files.keys) await this.#files.get(url, key);
    expect(this.#files.findFaults()).toEqual([]);
    await expectAccounted(this.#cluster, this.#ledger.attempts);
  }
}
