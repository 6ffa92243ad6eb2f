import type { StagingLimits } from "../model/transaction.js";
import type { NodePermissions } from "../model/node-state.js";
import { NODE_STATES } from "../model/node-state.js";
import type { BlobStore } from "../blobs/blob-store.js";
import type { Catalog } from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import type { CatalogReads } from "./catalog-reads.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";

/** What everything in this folder works with. */
export interface FileContext {
  readonly catalog: Catalog;
  /** Reads of names that go on while the catalog is away. */
  readonly reads: CatalogReads;
  /** This node's own blobs. */
  readonly store: BlobStore;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  /** Nodes that shall have a file fsynced before a put is acknowledged, while there are so many. 1 or more. */
  readonly ackCopies: number;
  /** What unfinished transactions may stage. */
  readonly staging: StagingLimits;
  /** Refuse puts that fewer nodes than this have fsynced; a namespace or a request may demand more. 1 or more. */
  readonly minCopies: number;
}

/** A node that does not know itself yet has just started, and is alive. */
export function ownPermissions(cluster: Cluster): NodePermissions {
  const self = cluster.nodes().find((node) => node.id === cluster.self);
  return NODE_STATES[self?.state ?? "alive"];
}
