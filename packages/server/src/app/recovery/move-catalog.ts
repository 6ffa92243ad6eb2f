import { KoboldError } from "@koboldfs/protocol";
import type { Catalog } from "../../catalog/catalog.js";
import { openSqlCatalog } from "../../catalog/sql/open-sql-catalog.js";
import { copySideTables, findNewestEpoch } from "../../catalog/sql/side-tables.js";
import { RETIRED_EPOCH, UNFINISHED_EPOCH } from "../../model/fence.js";
import { CatalogMove, type MoveReport } from "../../recovery/catalog-move.js";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { openTarget } from "./open-target.js";
import type { RecoveryRun } from "./rebuild-catalog.js";

export interface MoveRequest {
  /** The catalog that the nodes work with now. */
  readonly from: string;
  /** The empty database that it moves to. */
  readonly to: string;
  /** Throw away what is in that database. */
  readonly replace?: boolean;
  readonly allowUnsafe?: boolean;
}

/**
 * Moves a catalog to another database while nodes run. From the moment in which the old one is retired nothing can be
 * committed to it; what was committed before is in the new one. Throws coded errors; then the old catalog works as before,
 * or the same call goes on.
 */
export async function moveCatalog(request: MoveRequest, run: RecoveryRun = {}): Promise<MoveReport> {
  const { clock = systemClock, log = silentLogger, onProgress, signal } = run;
  const { from, to, replace = false, allowUnsafe = false } = request;
  if (from === to) throw new KoboldError("config_invalid", "the catalog is there already");
  // How durable the old database is does not matter any more.
  const source = await openSqlCatalog({ dsn: from, allowUnsafe: true, logger: log, clock });
  let target: Catalog | undefined;
  try {
    const { epoch } = await source.head();
    if (epoch === UNFINISHED_EPOCH)
      throw new KoboldError("catalog_unfinished", "the catalog to be moved is not finished");
    const { clusterId } = source;
    const opened = { clusterId, allowUnsafe, clock, log };
    target = epoch === RETIRED_EPOCH ? await reopen(to, opened) : await openTarget({ ...opened, dsn: to, replace });
    const move = new CatalogMove({
      ...{ source, target, clock, signal },
      copyRest: () => copySideTables({ dsn: from, clock }, { dsn: to, clock }),
      findEpoch: () => findNewestEpoch({ dsn: from, clock }),
      ...(onProgress !== undefined && { onProgress }),
    });
    return await move.run();
  } finally {
    await target?.close();
    await source.close();
  }
}

type Opened = Pick<Parameters<typeof openTarget>[0], "clusterId" | "allowUnsafe" | "clock" | "log">;

/** The old catalog is retired: only the database in which an earlier run made the new one will do. */
async function reopen(dsn: string, { clusterId, allowUnsafe, clock, log: logger }: Opened): Promise<Catalog> {
  const target = await openSqlCatalog({ dsn, clusterId, allowUnsafe, clock, logger });
  const { number } = await target.head();
  if (target.clusterId === clusterId && number > 0) return target;
  await target.close();
  throw new KoboldError("catalog_retired", "the catalog was moved already, and not to this database");
}
