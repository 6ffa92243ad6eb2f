import {
  createMysqlAdapter,
  createPgAdapter,
  createSqliteAdapter,
  type DatabaseAdapter,
  type DatabaseTransaction,
  type SqlRow,
} from "@koboldfs/client";
import Database from "libsql";
import { createPool } from "mysql2/promise";
import pg from "pg";

/** The engine of an application's database, not of the catalog. */
export type ApplicationEngine = "sqlite" | "postgres" | "mariadb";

/** Inserts or replaces the row of a document, over the driver's own connection. */
export type WriteRow = (key: string, body: string) => Promise<void>;

/** An application whose one table `documents` says the same as its files do. */
export interface Application {
  readonly adapter: DatabaseAdapter<WriteRow>;
  /** All rows, by key. */
  readRows(): Promise<Map<string, string>>;
  close(): Promise<void>;
}

export interface ApplicationOptions extends Pick<DatabaseAdapter<unknown>, "onWarning"> {
  /** A statement that is done before anything else: on the one connection of SQLite, on each new one of PostgreSQL. */
  readonly setUp?: string;
}

interface Driver {
  readonly adapter: DatabaseAdapter<WriteRow>;
  close(): Promise<void>;
}

const CONNECTIONS = 12;
const TABLE = "create table if not exists documents (name varchar(200) primary key, body varchar(2000) not null)";

/** `dsn` is a URL of the server's database, or the path of an SQLite file. */
export async function openApplication(
  engine: ApplicationEngine,
  dsn: string,
  options: ApplicationOptions = {},
): Promise<Application> {
  const { adapter, close } = DRIVERS[engine](dsn, options);
  const ask = async (text: string, purpose: "read" | "write"): Promise<readonly SqlRow[]> => {
    const { query, commit, rollback } = await adapter.begin(purpose);
    try {
      const rows = await query(text);
      await commit();
      return rows;
    } catch (thrown) {
      await rollback().catch(() => undefined);
      throw thrown;
    }
  };
  // Only when it is missing: to create it would wait for whoever writes.
  await ask("select count(*) from documents", "read").catch(() => ask(TABLE, "write"));
  return {
    adapter,
    close,
    readRows: async () => {
      const rows = await ask("select name, body from documents", "read");
      return new Map(rows.map(({ name, body }) => [String(name), String(body)]));
    },
  };
}

const DRIVERS: Readonly<Record<ApplicationEngine, (dsn: string, options: ApplicationOptions) => Driver>> = {
  sqlite: (dsn, { setUp, ...options }) => {
    const database = new Database(dsn);
    database.exec("pragma busy_timeout = 3000");
    database.exec("pragma journal_mode = wal");
    if (setUp !== undefined) database.exec(setUp);
    const adapter = mapSql(createSqliteAdapter(database, options), (sql) => async (name, body) => {
      sql.prepare("insert or replace into documents (name, body) values (?, ?)").run(name, body);
    });
    return { adapter, close: async () => void database.close() };
  },
  postgres: (dsn, { setUp, ...options }) => {
    const pool = new pg.Pool({ connectionString: dsn, max: CONNECTIONS, connectionTimeoutMillis: 3_000 });
    // An idle connection that breaks is replaced by the pool.
    pool.on("error", () => undefined);
    if (setUp !== undefined) pool.on("connect", (client) => void client.query(setUp));
    const text =
      "insert into documents (name, body) values ($1, $2) on conflict (name) do update set body = excluded.body";
    const adapter = mapSql(createPgAdapter<pg.PoolClient>(pool, options), (sql) => async (...row) => {
      await sql.query(text, row);
    });
    return { adapter, close: () => pool.end() };
  },
  mariadb: (dsn, options) => {
    const pool = createPool({ uri: dsn, connectionLimit: CONNECTIONS, connectTimeout: 3_000 });
    const adapter = mapSql(createMysqlAdapter(pool, options), (sql) => async (...row) => {
      await sql.query("replace into documents (name, body) values (?, ?)", row);
    });
    return { adapter, close: () => pool.end() };
  },
};

function mapSql<Sql>(adapter: DatabaseAdapter<Sql>, map: (sql: Sql) => WriteRow): DatabaseAdapter<WriteRow> {
  return wrapTransactions(adapter, (transaction) => ({ ...transaction, sql: map(transaction.sql) }));
}

/** The adapter with something between it and its transactions. */
export function wrapTransactions<Sql, Other>(
  adapter: DatabaseAdapter<Sql>,
  wrap: (transaction: DatabaseTransaction<Sql>) => DatabaseTransaction<Other>,
): DatabaseAdapter<Other> {
  return { ...adapter, begin: async (purpose) => wrap(await adapter.begin(purpose)) };
}
