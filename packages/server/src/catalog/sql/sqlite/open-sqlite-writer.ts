import type { Clock } from "../../../runtime/clock.js";
import type { Logger } from "../../../runtime/logger.js";
import { CommitRunner } from "../commit/commit-runner.js";
import { checkDurability, prepareCatalog } from "../migrate.js";
import { createCatalogQueries } from "../queries/catalog-queries.js";
import { RetryingRunner } from "../retrying-runner.js";
import type { SqlConnection } from "../sql-connection.js";
import { classifyFailure, translateFailure } from "../sql-failure.js";
import { SqlWriter } from "../sql-writer.js";
import { SqliteConnection } from "./sqlite-connection.js";
import { sqliteDialect } from "./sqlite-dialect.js";

export interface SqliteWriterOptions {
  readonly path: string;
  readonly allowUnsafe: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For tests that want sessions to break, and not to wait long. */
  readonly connect?: () => Promise<SqlConnection>;
  readonly deadlineMs?: number;
}

/** Opens the file, making it and its schema when they are not there, and the writing half of the catalog in this thread. */
export async function openSqliteWriter(options: SqliteWriterOptions): Promise<{ clusterId: string; writer: SqlWriter }> {
  const { path, clock, logger } = options;
  const dialect = sqliteDialect;
  const queries = createCatalogQueries(dialect);
  const connect = options.connect ?? (async () => new SqliteConnection(path));
  try {
    const connection = new SqliteConnection(path);
    if (!options.allowUnsafe) await checkDurability({ connection, dialect, queries });
    const clusterId = await prepareCatalog({ connection, dialect, queries });
    const commits = new CommitRunner({
      ...{ dialect, queries, connect, clock, logger },
      ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    });
    const runner = new RetryingRunner({ runner: connection, dialect, clock });
    return { clusterId, writer: new SqlWriter({ queries, commits, runner, release: () => connection.close() }) };
  } catch (error) {
    throw translateFailure(classifyFailure(dialect, error), error);
  }
}
