import type { AdapterOptions, DatabaseAdapter, SqlRow, SqlValue } from "./database-adapter.js";

/** What is needed of a database of `better-sqlite3` or `libsql`, which answer at once. */
export interface SqliteDatabase {
  prepare(text: string): {
    readonly reader: boolean;
    all(...values: SqlValue[]): unknown;
    run(...values: SqlValue[]): unknown;
  };
  exec(text: string): unknown;
}

/**
 * SQLite through `better-sqlite3` or `libsql`. A database has one connection, so coupled transactions of a process follow each
 * other; what the application does on the same database meanwhile is in the open one. `synchronous` is set to FULL.
 */
export function createSqliteAdapter<Database extends SqliteDatabase>(
  database: Database,
  options: AdapterOptions = {},
): DatabaseAdapter<Database> {
  const takeTurn = createTurns();
  return {
    ...options,
    dialect: "sqlite",
    async begin(purpose) {
      const leave = await takeTurn();
      try {
        database.exec("pragma synchronous = full");
        if (purpose === "write") database.exec("begin immediate");
        else beginRead(database);
      } catch (thrown) {
        leave();
        throw thrown;
      }
      return {
        sql: database,
        query: async (text, values = []) => run(database, text, values),
        async commit() {
          try {
            database.exec("commit");
          } catch (thrown) {
            rollBack(database);
            throw thrown;
          } finally {
            leave();
          }
        },
        async rollback() {
          rollBack(database);
          leave();
        },
      };
    },
  };
}

/**
 * Takes the lock at once, by `exec`: where it is refused to a prepared statement, libsql does not reset that, and the database would
 * keep the next lock that it gets.
 */
function beginRead(database: SqliteDatabase): void {
  database.exec("begin");
  try {
    database.exec("select 1 from sqlite_master limit 1");
  } catch (thrown) {
    rollBack(database);
    throw thrown;
  }
}

/** One after the other: each waits for its turn, and calls what it got when it is done. */
function createTurns(): () => Promise<() => void> {
  let last = Promise.resolve();
  return async () => {
    const before = last;
    let leave = (): void => undefined;
    last = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    return leave;
  };
}

function run(database: SqliteDatabase, text: string, values: readonly SqlValue[]): readonly SqlRow[] {
  const statement = database.prepare(text);
  if (statement.reader) return statement.all(...values) as readonly SqlRow[];
  statement.run(...values);
  return [];
}

/** A failed statement may have left its transaction open, or have ended it. */
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("rollback");
  } catch {
    // There was none any more.
  }
}
