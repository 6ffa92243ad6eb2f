import type Database from "libsql";
import type { Clock } from "../../../runtime/clock.js";
import { openSqliteFile, SQLITE, type SqliteFileOptions, sqliteCodeOf } from "../../../runtime/sqlite-file.js";
import { pauseMs } from "../backoff.js";
import type { SqlConnection, SqlResult, SqlResults, SqlStatement } from "../sql-connection.js";
import { ConnectionCut } from "../sql-failure.js";

/** Commits of other processes take milliseconds; who waits longer than this tries again from the start. */
const BUSY_TIMEOUT_MS = 1000;
/** Statements kept prepared: more than the catalog has shapes of. */
const MAX_PREPARED = 1000;

/** SQLite's own pauses between two looks at a lock grow to 100 ms; a commit of another process takes less than ten. */
const LOOK_EVERY_MS = 1;
/** What begins and ends a transaction. */
const BRACKET = /^(begin|commit|rollback)\b/;
/** Nobody wakes who waits on it. */
const SLEEP_GROUND = new Int32Array(new SharedArrayBuffer(4));

const MAX_OPEN_ATTEMPTS = 20;
const OPEN_PAUSE = { firstMs: 5, longestMs: 250 };

export interface SqliteOpenOptions {
  readonly clock: Clock;
  readonly busyTimeoutMs?: number;
  /** Of pages; by default SQLite's own 2 MiB. */
  readonly cacheKib?: number;
  /** A session that was refused the lock ends, and no other one takes its place unseen: for who looks at each new one. */
  readonly endsWhenRefused?: boolean;
  /** What an index is sorted by goes to a file; libsql's SQLite keeps it in memory, 80 MiB for a million digests. */
  readonly sortsInFile?: boolean;
}

interface Prepared {
  readonly statement: Database.Statement;
  /** Of the rows it gives; undefined when it gives none. */
  readonly columns: readonly string[] | undefined;
}

/** One SQLite session. Every call blocks its thread until SQLite is done, or another session's lock was not given for long. */
export class SqliteConnection implements SqlConnection {
  readonly #path: string;
  readonly #options: SqliteOpenOptions;
  /** Undefined after a statement that was refused the lock, until the next one. */
  #database: Database.Database | undefined;
  readonly #prepared = new Map<string, Prepared>();
  #isOpen = true;

  private constructor(path: string, options: SqliteOpenOptions) {
    this.#path = path;
    this.#options = options;
    this.#database = openDatabase(path, options);
  }

  /** Opens the file, making it when there is none. Throws `ConnectionCut`, or SQLite's error. */
  static async open(path: string, options: SqliteOpenOptions): Promise<SqliteConnection> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return new SqliteConnection(path, options);
      } catch (error) {
        // Several processes may make the file at once: SQLite does not wait for a lock while it turns WAL on.
        if (sqliteCodeOf(error) !== SQLITE.BUSY || attempt === MAX_OPEN_ATTEMPTS) throw error;
      }
      await options.clock.sleep(pauseMs(attempt, OPEN_PAUSE));
    }
  }

  get isUsable(): boolean {
    return this.#isOpen;
  }

  async run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>> {
    return this.#runNow(statement);
  }

  async runAll<const Statements extends readonly SqlStatement[]>(
    statements: Statements,
  ): Promise<SqlResults<Statements>> {
    return statements.map((statement) => this.#runNow(statement)) as SqlResults<Statements>;
  }

  #runNow<Row>(statement: SqlStatement<Row>): SqlResult<Row> {
    const { busyTimeoutMs = BUSY_TIMEOUT_MS, clock } = this.#options;
    const lateMs = clock.monotonic() + busyTimeoutMs;
    for (;;) {
      try {
        return this.#runOnce(statement);
      } catch (error) {
        if (sqliteCodeOf(error) !== SQLITE.BUSY) throw error;
        if (clock.monotonic() >= lateMs) {
          if (!BRACKET.test(statement.sql)) this.#beginAnew();
          throw error;
        }
      }
      Atomics.wait(SLEEP_GROUND, 0, 0, LOOK_EVERY_MS);
    }
  }

  /**
   * libsql does not reset a prepared statement that was refused the lock, and then whatever is read next is read for good: the session
   * would never see what others write, nor be let write again. So the next statement gets a session of its own.
   */
  #beginAnew(): void {
    if (this.#options.endsWhenRefused === true || this.#database?.inTransaction === true) return this.destroy();
    this.#prepared.clear();
    this.#database?.close();
    this.#database = undefined;
  }

  #runOnce<Row>(statement: SqlStatement<Row>): SqlResult<Row> {
    if (!this.#isOpen) throw new ConnectionCut("the session was closed");
    // Refused here, it comes again from the loop around: SQLite itself shall not wait as well.
    this.#database ??= openDatabase(this.#path, { ...this.#options, busyTimeoutMs: 0, mustExist: true });
    // `exec` leaves no statement behind that could be refused; and to prepare so little is nothing.
    if (BRACKET.test(statement.sql)) {
      this.#database.exec(statement.sql);
      return { rows: [], affected: 0 };
    }
    const prepared = this.#prepare(this.#database, statement.sql);
    // One array, never spread: libsql takes a single object for named parameters.
    const { statement: native, columns } = prepared;
    if (columns === undefined) return { rows: [], affected: native.run(statement.parameters).changes };
    const rows =
      statement.givesOneRow === true ? getOne(native, statement.parameters) : native.all(statement.parameters);
    return { rows: rows.map((values) => nameValues(columns, values as unknown[]) as Row), affected: rows.length };
  }

  #prepare(database: Database.Database, sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
    // Integers as bigint: sizes and usage must not be rounded on the way.
    const statement = database.prepare(sql).safeIntegers(true);
    // Rows as lists: as objects they carry a stray field and blobs of another type.
    const columns = statement.reader
      ? statement
          .raw(true)
          .columns()
          .map((column) => column.name)
      : undefined;
    const prepared = { statement, columns };
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  async close(): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#prepared.clear();
    // SQLite closes a session only when its last statement is collected: until then it would keep its lock.
    try {
      if (this.#database?.inTransaction === true) this.#database.exec("rollback");
    } finally {
      this.#database?.close();
    }
  }
}

/** Half the time of `all`, which makes an iterator and room for a hundred rows. The statement is reset as well. */
function getOne(native: Database.Statement, parameters: readonly unknown[]): unknown[] {
  const row: unknown = native.get(parameters);
  return row === undefined ? [] : [row];
}

function openDatabase(
  path: string,
  options: SqliteOpenOptions & Pick<SqliteFileOptions, "mustExist">,
): Database.Database {
  const { busyTimeoutMs = BUSY_TIMEOUT_MS, cacheKib, mustExist = false, sortsInFile = false } = options;
  let database: Database.Database | undefined;
  try {
    database = openSqliteFile(path, { timeout: busyTimeoutMs, mustExist });
    database.pragma("journal_mode = wal");
    database.pragma("synchronous = full");
    // Negative: in KiB, not in pages.
    if (cacheKib !== undefined) database.pragma(`cache_size = ${-cacheKib}`);
    if (sortsInFile) database.pragma("temp_store = file");
    database.pragma("busy_timeout = 0");
    return database;
  } catch (error) {
    database?.close();
    // SQLite's own errors have a code; libsql's have none, and here it has only one: that it cannot open the file.
    throw sqliteCodeOf(error) === undefined ? new ConnectionCut(`${path} cannot be opened`, { cause: error }) : error;
  }
}

function nameValues(columns: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index += 1) row[columns[index] as string] = values[index];
  return row;
}
