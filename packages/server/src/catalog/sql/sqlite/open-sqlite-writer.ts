import type { Clock } from "../../../runtime/clock.js";
import type { Logger } from "../../../runtime/logger.js";
import { CommitRunner } from "../commit/commit-runner.js";
import { JournalCompleter } from "../commit/journal-completer.js";
import { checkDurability, prepareCatalog } from "../migrate.js";
import { type CatalogQueries, createCatalogQueries } from "../queries/catalog-queries.js";
import { RetryingRunner } from "../retrying-runner.js";
import type { SqlConnection, SqlRunner } from "../sql-connection.js";
import { classifyFailure, translateFailure } from "../sql-failure.js";
import { SqlWriter } from "../sql-writer.js";
import { SqliteConnection } from "./sqlite-connection.js";
import { sqliteDialect } from "./sqlite-dialect.js";

/** Several nodes that start at once migrate one after the other, on a disk that may be slow. */
const MIGRATION_WAIT_MS = 30_000;
/**
 * For the session in which a catalog is made anew: rows come in the order of the journal and go to every page of an index
 * over keys, and with SQLite's own 2 MiB nearly each one is read again. It is closed when the catalog is made.
 */
const COMPLETER_CACHE_KIB = 16 * 1024;

export interface SqliteWriterOptions {
  readonly path: string;
  readonly allowUnsafe: boolean;
  readonly clusterId?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For tests that want sessions to break, and not to wait long. */
  readonly connect?: () => Promise<SqlConnection>;
  readonly prepare?: () => Promise<SqlConnection>;
  readonly deadlineMs?: number;
}

/** Opens the file, making it and its schema when they are not there, and the writing half of the catalog in this thread. */
export async function openSqliteWriter(
  options: SqliteWriterOptions,
): Promise<{ clusterId: string; writer: SqlWriter }> {
  const { path, clock, logger } = options;
  const dialect = sqliteDialect;
  const queries = createCatalogQueries(dialect);
  const openSession = () => SqliteConnection.open(path, { clock });
  const connect = options.connect ?? openSession;
  const prepare = options.prepare ?? (() => SqliteConnection.open(path, { clock, busyTimeoutMs: MIGRATION_WAIT_MS }));
  try {
    const clusterId = await prepareOnce(await prepare(), queries, options);
    const commits = new CommitRunner({
      ...{ dialect, queries, connect, clock, logger },
      ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    });
    const session = await SqliteConnection.open(path, { clock, sortsInFile: true });
    // Never inside a commit's transaction, and never waiting for its lock.
    const inTurn: SqlRunner = { run: (statement) => commits.inTurn(() => session.run(statement)) };
    const runner = new RetryingRunner({ runner: inTurn, dialect, clock });
    const openRoomy = () => SqliteConnection.open(path, { clock, cacheKib: COMPLETER_CACHE_KIB });
    const completer = new JournalCompleter({
      ...{ dialect, queries, connect: options.connect ?? openRoomy },
      keepsSession: true,
    });
    return {
      clusterId,
      writer: new SqlWriter({ queries, commits, completer, runner, release: () => session.close() }),
    };
  } catch (error) {
    throw translateFailure(classifyFailure(dialect, error), error);
  }
}

async function prepareOnce(
  connection: SqlConnection,
  queries: CatalogQueries,
  { allowUnsafe, clusterId }: Pick<SqliteWriterOptions, "allowUnsafe" | "clusterId">,
): Promise<string> {
  const preparation = { connection, dialect: sqliteDialect, queries };
  try {
    if (!allowUnsafe) await checkDurability(preparation);
    return await prepareCatalog({ ...preparation, ...(clusterId !== undefined && { clusterId }) });
  } finally {
    await connection.close();
  }
}
