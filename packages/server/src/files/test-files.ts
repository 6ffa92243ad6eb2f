import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NamespaceName, NodeId } from "@koboldfs/protocol";
import { MemoryBlobStore } from "../blobs/memory/memory-blob-store.js";
import type { Catalog } from "../catalog/catalog.js";
import { openSqlCatalog } from "../catalog/sql/open-sql-catalog.js";
import { WitnessSeat } from "../cluster/witness-seat.js";
import { StaticCluster } from "../cluster/static-cluster.js";
import { DEFAULT_STAGING_LIMITS, type StagingLimits } from "../model/transaction.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import { silentLogger } from "../runtime/logger.js";
import { CatalogReads } from "./catalog-reads.js";
import { FaultyBlobStore } from "./faulty-blob-store.js";
import type { FileContext } from "./file-context.js";
import { FileService } from "./file-service.js";

export const DEMO = "demo" as NamespaceName;

/** One node's files with a real catalog, and peers whose disks can be made to fail. */
export interface TestFiles {
  readonly files: FileService;
  readonly context: FileContext;
  readonly catalog: Catalog;
  /** Asked around each commit, unless the catalog is shared. */
  readonly witness: WitnessSeat;
  readonly cluster: StaticCluster;
  /** By name: `self` and the peers. `memory` is what lies behind each, without faults. */
  readonly stores: Readonly<Record<string, FaultyBlobStore>>;
  readonly memory: Readonly<Record<string, MemoryBlobStore>>;
  idOf(name: string): NodeId;
  close(): Promise<void>;
}

export interface TestFilesOptions {
  /** One that is shared with other tests, and closed by who opened it. Its nodes are the same peers. */
  readonly catalog?: Catalog;
  readonly namespace?: NamespaceName;
  readonly peers?: readonly string[];
  readonly clock?: Clock;
  readonly ackCopies?: number;
  readonly minCopies?: number;
  readonly staging?: StagingLimits;
}

/** The namespace is there, and every node is registered and alive. */
export async function openTestFiles(options: TestFilesOptions = {}): Promise<TestFiles> {
  const { peers = [], clock = systemClock, ackCopies = 2, minCopies = 1 } = options;
  const own = options.catalog === undefined ? await openTestCatalog() : undefined;
  const catalog = options.catalog ?? own?.catalog ?? raise("no catalog");
  const memory = Object.fromEntries(["self", ...peers].map((name) => [name, new MemoryBlobStore()]));
  const stores = mapValues(memory, (store) => new FaultyBlobStore(store));
  const { self: store = raise("no store"), ...others } = stores;
  const cluster = new StaticCluster({ peers: others });
  await registerNodes(catalog, cluster);
  await catalog.commit({ kind: "set-namespace", namespace: options.namespace ?? DEMO, policy: { minCopies: 1 } });
  const reads = new CatalogReads({ catalog, clock, log: silentLogger });
  const { staging = DEFAULT_STAGING_LIMITS } = options;
  const context = { catalog, reads, store, cluster, clock, log: silentLogger, staging, ackCopies, minCopies };
  return {
    witness: own?.witness ?? new WitnessSeat(),
    ...{ files: new FileService(context), context, catalog, cluster, stores, memory },
    idOf: (name) => cluster.nodes().find((node) => node.name === name)?.id ?? raise(`no node ${name}`),
    close: async () => own?.close(),
  };
}

export async function openTestCatalog(): Promise<{ catalog: Catalog; witness: WitnessSeat; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-files-"));
  const dsn = `sqlite:${join(folder, "catalog.sqlite")}`;
  const witness = new WitnessSeat();
  // As if there were enough mirrors, always.
  witness.take({ known: () => undefined, confirm: async () => Number.POSITIVE_INFINITY });
  const catalog = await openSqlCatalog({ dsn, logger: silentLogger, clock: systemClock, witness });
  const close = async () => {
    await catalog.close();
    await rm(folder, { recursive: true });
  };
  return { catalog, witness, close };
}

async function registerNodes(catalog: Catalog, cluster: StaticCluster): Promise<void> {
  const known = new Set((await catalog.listNodes()).map((node) => node.id));
  for (const { id, name, url, zone, volumes } of cluster.nodes()) {
    if (known.has(id)) continue;
    await catalog.commit({ kind: "set-node", node: { id, name, url, zone, volumes, state: "alive" } });
  }
  cluster.setJoined(new Map((await catalog.listNodes()).map(({ id, joinedAt }) => [id, joinedAt])));
}

function mapValues<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

function raise(message: string): never {
  throw new Error(message);
}
