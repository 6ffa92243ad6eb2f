import { parseDatabaseUrl } from "./database-url.js";
import { createQueryBuilder, type SqlDialect } from "./dialect.js";
import { createMysqlEngine } from "./mysql/mysql-engine.js";
import { parseSqlitePath, schemeOf } from "./open-sql-catalog.js";
import { createPostgresEngine } from "./postgres/postgres-engine.js";
import { compileQuery } from "./prepared-query.js";
import type { CatalogTables } from "./schema.js";
import type { SqlCatalogOptions } from "./sql-catalog-options.js";
import type { SqlConnection } from "./sql-connection.js";
import { classifyFailure, translateFailure } from "./sql-failure.js";
import { SqliteConnection } from "./sqlite/sqlite-connection.js";
import { sqliteDialect } from "./sqlite/sqlite-dialect.js";

/** Every table, in the order in which they go. An object, so that the compiler notices one that is missing here. */
const TABLES: Readonly<Record<keyof CatalogTables, true>> = {
  ...{ journal: true, journal_groups: true, files: true, versions: true, purges: true, commits: true },
  ...{ namespaces: true, nodes: true, debts: true, leases: true },
  ...{ locks: true, staged: true, transactions: true },
  // Whoever finds these knows that there is, or was, a catalog.
  ...{ epochs: true, cluster: true, migrations: true },
};

/** Throws a catalog away, with everything in it; nobody may work with it. The next who opens it makes a new one. */
export async function clearSqlCatalog(options: Pick<SqlCatalogOptions, "dsn" | "clock">): Promise<void> {
  const { connection, dialect } = await connect(options);
  try {
    const db = createQueryBuilder(dialect);
    // If this dies in its midst, the next who opens what is left makes the tables that are gone.
    await connection.run(compileQuery(db.deleteFrom("migrations")));
    for (const table of Object.keys(TABLES)) await connection.run(compileQuery(db.schema.dropTable(table).ifExists()));
  } catch (error) {
    throw translateFailure(classifyFailure(dialect, error), error);
  } finally {
    await connection.close();
  }
}

async function connect({
  dsn,
  clock,
}: Pick<SqlCatalogOptions, "dsn" | "clock">): Promise<{ connection: SqlConnection; dialect: SqlDialect }> {
  const scheme = schemeOf(dsn);
  if (scheme === "sqlite") {
    return { connection: await SqliteConnection.open(parseSqlitePath(dsn), { clock }), dialect: sqliteDialect };
  }
  const create = scheme === "postgres" ? createPostgresEngine : createMysqlEngine;
  const engine = create(parseDatabaseUrl(dsn));
  try {
    return { connection: await engine.connect("prepare"), dialect: engine.dialect };
  } catch (error) {
    throw translateFailure(classifyFailure(engine.dialect, error), error);
  }
}
