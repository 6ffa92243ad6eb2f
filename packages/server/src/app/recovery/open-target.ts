import { KoboldError } from "@koboldfs/protocol";
import type { Catalog } from "../../catalog/catalog.js";
import { clearSqlCatalog } from "../../catalog/sql/clear-sql-catalog.js";
import { openSqlCatalog } from "../../catalog/sql/open-sql-catalog.js";
import { UNFINISHED_EPOCH } from "../../model/fence.js";
import { markUnfinished } from "../../recovery/rebuild.js";
import type { Clock } from "../../runtime/clock.js";
import { crashPoint } from "../../runtime/crash-points.js";
import type { Logger } from "../../runtime/logger.js";

export interface TargetOptions {
  readonly dsn: string;
  /** The cluster whose catalog it shall become. */
  readonly clusterId: string;
  /** Throw away what is in it. */
  readonly replace: boolean;
  readonly allowUnsafe: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Opens the database that a catalog is made in: empty, or what an earlier run left unfinished. No node works with it
 * from then on. Throws `catalog_not_empty`, and what opening a catalog throws.
 */
export async function openTarget(options: TargetOptions): Promise<Catalog> {
  const { dsn, clusterId, replace, allowUnsafe, clock, log: logger } = options;
  const open = () => openSqlCatalog({ dsn, clusterId, allowUnsafe, clock, logger });
  let catalog = await open();
  try {
    const found = await lookAt(catalog, clusterId);
    if (found === "other" && !replace) {
      throw new KoboldError("catalog_not_empty", "there is a catalog with a history in the target database");
    }
    if (found === "other" || found === "nothing") {
      await catalog.close();
      await clearSqlCatalog({ dsn, clock });
      catalog = await open();
    }
    await markUnfinished(catalog);
    crashPoint("rebuild.target.marked");
    return catalog;
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

/** `nothing`: somebody opened it, as another cluster's, and never wrote anything. */
async function lookAt(catalog: Catalog, clusterId: string): Promise<"fit" | "nothing" | "other"> {
  const { number, epoch } = await catalog.head();
  if (catalog.clusterId !== clusterId) return number === 0 ? "nothing" : "other";
  return number === 0 || epoch === UNFINISHED_EPOCH ? "fit" : "other";
}
