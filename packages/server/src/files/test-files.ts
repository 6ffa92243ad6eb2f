import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NamespaceName, NodeId } from "@koboldfs/protocol";
import { MemoryBlobStore } from "../blobs/memory/memory-blob-store.js";
import type { Catalog } from "../catalog/catalog.js";
import { openSqlCatalog } from "../catalog/sql/open-sql-catalog.js";
import { StaticCluster } from "../cluster/static-cluster.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import { silentLogger } from "../runtime/logger.js";
import { FaultyBlobStore } from "./faulty-blob-store.js";
import type { FileContext } from "./file-context.js";
import { FileService } from "./file-service.js";

export const DEMO = "demo" as NamespaceName;

/** One node's files with a real catalog, and peers whose disks can be made to fail. */
export interface TestFiles {
  readonly files: FileService;
  readonly context: FileContext;
  readonly catalog: Catalog;
  readonly cluster: StaticCluster;
  /** By name: `self` and the peers. `memory` is what lies behind each, without faults. */
  readonly stores: Readonly<Record<string, FaultyBlobStore>>;
  readonly memory: Readonly<Record<string, MemoryBlobStore>>;
  idOf(name: string): NodeId;
  close(): Promise<void>;
}

export interface TestFilesOptions {
  readonly peers?: readonly string[];
  readonly clock?: Clock;
  readonly ackCopies?: number;
  readonly minCopies?: number;
}

/** A namespace `demo` is there. */
export async function openTestFiles(options: TestFilesOptions = {}): Promise<TestFiles> {
  const { peers = [], clock = systemClock, ackCopies = 2, minCopies = 1 } = options;
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-files-"));
  const catalog = await openSqlCatalog({
    dsn: `sqlite:${join(folder, "catalog.sqlite")}`,
    logger: silentLogger,
    clock: systemClock,
  });
  const memory = Object.fromEntries(["self", ...peers].map((name) => [name, new MemoryBlobStore()]));
  const stores = mapValues(memory, (store) => new FaultyBlobStore(store));
  const { self: store = new FaultyBlobStore(new MemoryBlobStore()), ...others } = stores;
  const cluster = new StaticCluster({ peers: others });
  await registerNodes(catalog, cluster);
  await catalog.commit({ kind: "set-namespace", namespace: DEMO, policy: { minCopies: 1 } });
  const context = { catalog, store, cluster, clock, log: silentLogger, ackCopies, minCopies };
  return {
    ...{ files: new FileService(context), context, catalog, cluster, stores, memory },
    idOf: (name) => cluster.nodes().find((node) => node.name === name)?.id ?? ("unknown" as NodeId),
    close: async () => {
      await catalog.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function registerNodes(catalog: Catalog, cluster: StaticCluster): Promise<void> {
  for (const { id, name, url, zone, volumes } of cluster.nodes()) {
    await catalog.commit({ kind: "set-node", node: { id, name, url, zone, volumes, state: "alive" } });
  }
}

function mapValues<A, B>(record: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
