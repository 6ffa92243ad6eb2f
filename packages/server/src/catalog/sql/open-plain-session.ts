import type { SqlDialect } from "./dialect.js";
import { loadNetworkEngine } from "./load-network-engine.js";
import { parseSqlitePath, schemeOf } from "./open-sql-catalog.js";
import type { SqlCatalogOptions } from "./sql-catalog-options.js";
import type { SqlConnection } from "./sql-connection.js";
import { classifyFailure, translateFailure } from "./sql-failure.js";
import { SqliteConnection } from "./sqlite/sqlite-connection.js";
import { sqliteDialect } from "./sqlite/sqlite-dialect.js";

export type PlainSessionOptions = Pick<SqlCatalogOptions, "dsn" | "clock">;

export interface PlainSession {
  readonly connection: SqlConnection;
  readonly dialect: SqlDialect;
}

/**
 * Runs work in one session with a catalog's database, past everything that a catalog promises: for operators' tools, when
 * nobody else works with it. Throws `catalog_unavailable` and `internal`.
 */
export async function withPlainSession<Result>(
  options: PlainSessionOptions,
  work: (session: PlainSession) => Promise<Result>,
): Promise<Result> {
  const { connect, dialect } = await findWay(options);
  let connection: SqlConnection | undefined;
  try {
    connection = await connect();
    return await work({ connection, dialect });
  } catch (error) {
    throw translateFailure(classifyFailure(dialect, error), error);
  } finally {
    await connection?.close();
  }
}

interface Way {
  readonly connect: () => Promise<SqlConnection>;
  readonly dialect: SqlDialect;
}

async function findWay({ dsn, clock }: PlainSessionOptions): Promise<Way> {
  const scheme = schemeOf(dsn);
  if (scheme === "sqlite") {
    const path = parseSqlitePath(dsn);
    return { connect: () => SqliteConnection.open(path, { clock }), dialect: sqliteDialect };
  }
  const engine = await loadNetworkEngine(scheme, dsn);
  return { connect: () => engine.connect("prepare"), dialect: engine.dialect };
}
