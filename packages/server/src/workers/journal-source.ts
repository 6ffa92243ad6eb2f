import { KoboldError } from "@koboldfs/protocol";
import type { JournalCatalog } from "../catalog/catalog.js";
import type { Cluster } from "../cluster/cluster.js";
import type { JournalGroup } from "../model/journal-group.js";
import type { Logger } from "../runtime/logger.js";

export interface JournalSourceOptions {
  readonly catalog: Pick<JournalCatalog, "listGroups">;
  readonly cluster: Pick<Cluster, "mirrorPeers">;
  readonly log: Logger;
}

/** Groups fetched at once: a few hundred KiB, and a mirror writes them in one transaction. */
const BATCH_GROUPS = 250;

/** Where a mirror fetches what it lacks: the catalog, and while that is away the peers' mirrors. */
export function createJournalSource({ catalog, cluster, log }: JournalSourceOptions) {
  return async (after: number): Promise<readonly JournalGroup[]> => {
    try {
      return await catalog.listGroups(after, BATCH_GROUPS);
    } catch (error) {
      if (!(error instanceof KoboldError) || error.code !== "catalog_unavailable") throw error;
    }
    for (const peer of cluster.mirrorPeers().filter(({ failedLately }) => !failedLately)) {
      try {
        const groups = await peer.mirror.listGroups(after, BATCH_GROUPS);
        if (groups.length > 0) return groups;
      } catch (err) {
        log.debug({ err, peer: peer.node.name }, "a peer's mirror could not be read");
      }
    }
    return [];
  };
}
