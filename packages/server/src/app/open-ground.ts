import { isAbsolute, join, relative } from "node:path";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import { openDiskVolumes } from "../blobs/disk/open-volumes.js";
import type { VolumeSet } from "../blobs/disk/volume-set.js";
import type { Catalog } from "../catalog/catalog.js";
import { openSqlCatalog } from "../catalog/sql/open-sql-catalog.js";
import { findRegistration } from "../cluster/node-registration.js";
import { WitnessSeat } from "../cluster/witness-seat.js";
import type { NodeConfig } from "../config/node-config.js";
import { ChangeFeed } from "../mirror/changes/change-feed.js";
import { SqliteMirror } from "../mirror/sqlite/sqlite-mirror.js";
import { WatchedMirror } from "../mirror/watched-mirror.js";
import { findFence } from "../model/fence.js";
import { ClientTraffic } from "../runtime/client-traffic.js";
import type { Clock } from "../runtime/clock.js";
import type { LoopDelay } from "../runtime/loop-delay.js";
import type { Logger } from "../runtime/logger.js";
import { CATALOG_PATIENCE_MS, tryPatiently } from "./catalog-patience.js";
import { watchEventLoop } from "./create-overview.js";
import { loopbackSecret } from "./loopback-secret.js";
import { findNodeId } from "./node-identity.js";
import { boundsOf } from "./readers/node-bounds.js";
import type { Teardown } from "./teardown.js";

export interface BuildOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly catalogPatienceMs?: number;
}

/** What a node stands on: its catalog, its disks and what all its parts share. */
export interface Ground extends BuildOptions {
  readonly config: NodeConfig;
  readonly catalog: Catalog;
  /** Asked around each commit of the catalog; the feed of the mirrors sits down on it. */
  readonly witness: WitnessSeat;
  readonly mirror: WatchedMirror;
  readonly changes: ChangeFeed;
  readonly volumes: VolumeSet;
  readonly id: NodeId;
  readonly nodeSecret: string;
  readonly delays: LoopDelay;
  readonly traffic: ClientTraffic;
}

/** Opens all of it, in the order in which one needs the other. */
export async function openGround(config: NodeConfig, options: BuildOptions, teardown: Teardown): Promise<Ground> {
  const { clock, log } = options;
  const { dsn, allowUnsafeCatalog } = config;
  const witness = new WitnessSeat();
  const open = () => openSqlCatalog({ dsn, allowUnsafe: allowUnsafeCatalog, logger: log, clock, witness });
  const catalog = await tryPatiently(open, patienceOf(config, options));
  teardown.add("the catalog", () => catalog.close());
  const id = await findNodeId(config, catalog);
  const known = await findRegistration(catalog, { id, name: config.name });
  const volumes = await openDiskVolumes({
    directories: config.data,
    cluster: catalog.clusterId,
    node: id,
    knownVolumes: known?.volumes ?? [],
    ownNames: embeddedCatalogNames(config),
    clock,
    logger: log,
    maxLent: boundsOf(config).node.pieces,
  });
  teardown.add("the volumes", () => volumes.close());
  const mirror = await openMirror(config, catalog.clusterId, options);
  teardown.add("the mirror", () => mirror.close());
  const nodeSecret = config.clusterSecret ?? loopbackSecret(catalog.clusterId);
  const changes = new ChangeFeed({ mirror, catalog, clock });
  const delays = watchEventLoop(teardown);
  const traffic = new ClientTraffic(clock);
  return { ...options, config, catalog, witness, mirror, changes, volumes, id, nodeSecret, delays, traffic };
}

/** How long a node that starts waits for its catalog. */
export function patienceOf({ dsn }: NodeConfig, { clock, log, signal, catalogPatienceMs }: BuildOptions) {
  return { dsn, clock, log, signal, patienceMs: catalogPatienceMs ?? CATALOG_PATIENCE_MS };
}

/** Whether the catalog's history goes on from what this node's mirror has: the mirror first, the catalog may go on meanwhile. */
export async function hasWhatIsKnown({ catalog, mirror }: Ground): Promise<boolean> {
  const known = mirror.head();
  const head = await catalog.head();
  return findFence({ ...head, hashAtKnown: await catalog.findGroupHash(known.number) }, known) === undefined;
}

/** In the first volume, which is known by now to be this node's. */
async function openMirror({ data }: NodeConfig, clusterId: string, { clock, log }: BuildOptions) {
  const [first] = data;
  if (first === undefined) throw new KoboldError("config_invalid", "a node needs a data directory");
  return new WatchedMirror(
    await SqliteMirror.open({ path: join(first, "mirror.sqlite"), clusterId, clock, logger: log }),
  );
}

/** The files of an embedded catalog that lies in a data directory: they may be there before the volume is. */
function embeddedCatalogNames(config: NodeConfig): string[] {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(config.dsn)?.[1];
  if (path === undefined) return [];
  const names = config.data.map((directory) => relative(directory, path));
  return names.filter((name) => !name.startsWith("..") && !isAbsolute(name) && !name.includes("/"));
}
