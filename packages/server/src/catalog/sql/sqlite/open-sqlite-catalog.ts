import { dirname, resolve } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { makeDurableFolder } from "../../../runtime/durable-folder.js";
import { systemFileSystem } from "../../../runtime/file-system.js";
import { createCatalogQueries } from "../queries/catalog-queries.js";
import { RetryingRunner } from "../retrying-runner.js";
import { SqlCatalog } from "../sql-catalog.js";
import { classifyFailure, translateFailure } from "../sql-failure.js";
import type { SqlCatalogOptions } from "../sql-catalog-options.js";
import { SqliteConnection } from "./sqlite-connection.js";
import { sqliteDialect } from "./sqlite-dialect.js";
import { ThreadedSqliteWriter } from "./threaded-sqlite-writer.js";

/** A catalog in one file: reads here, in microseconds; writes in a thread of their own. */
export async function openSqliteCatalog(path: string, options: SqlCatalogOptions): Promise<SqlCatalog> {
  await makeFolder(path);
  const { allowUnsafe = false, clusterId: wantedId, logger } = options;
  const settings = { path, allowUnsafe, ...(wantedId !== undefined && { clusterId: wantedId }) };
  const writer = new ThreadedSqliteWriter(settings, logger);
  try {
    const clusterId = await writer.ready;
    const reader = await SqliteConnection.open(path, { clock: options.clock });
    const runner = new RetryingRunner({ runner: reader, dialect: sqliteDialect, clock: options.clock });
    const queries = createCatalogQueries(sqliteDialect);
    const parts = {
      clusterId,
      engine: "sqlite",
      queries,
      runner,
      writer,
      gathersLookups: false,
      witness: options.witness,
    };
    return new SqlCatalog({ ...parts, release: () => reader.close() });
  } catch (error) {
    await writer.terminate();
    throw translateFailure(classifyFailure(sqliteDialect, error), error);
  }
}

/** SQLite makes its files durable in their folder; the folder itself is ours. */
async function makeFolder(path: string): Promise<void> {
  try {
    await makeDurableFolder(systemFileSystem, dirname(resolve(path)));
  } catch (cause) {
    throw new KoboldError("catalog_unavailable", `the folder of ${path} cannot be made`, { cause });
  }
}
