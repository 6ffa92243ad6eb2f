import { SqliteAdapter, SqliteQueryCompiler, sql } from "kysely";
import { SQLITE, sqliteCodeOf } from "../../../runtime/sqlite-file.js";
import { toInteger } from "../column-values.js";
import type { SqlDialect, SqlFailure } from "../dialect.js";
import { plainStatement, type SqlConnection } from "../sql-connection.js";

const INTEGER = sql`integer`;
const TEXT = sql`text collate binary`;
const BLOB = sql`blob`;

const BEGIN = plainStatement("begin immediate");

/** `PRAGMA synchronous`: 2 is FULL, 3 is EXTRA; below, a power cut can take commits back. */
const FULL = 2;

/** The file, its disk or its folder: nothing is wrong with the statement, and nothing can be said about the data. */
const OUT_OF_REACH: ReadonlySet<number> = new Set([
  ...[SQLITE.IOERR, SQLITE.CANTOPEN, SQLITE.READONLY, SQLITE.NOTADB, SQLITE.CORRUPT, SQLITE.PERM, SQLITE.AUTH],
  SQLITE.PROTOCOL,
]);

export const sqliteDialect: SqlDialect = {
  capabilities: {
    upsert: "on-conflict",
    createIndexIfNotExists: true,
    indexesBlobsLate: true,
    // The lock is one of the operating system's, held by the process: only the process can let go of it.
    breaksFrozenLocks: false,
  },
  types: { integer: INTEGER, shortText: TEXT, keyText: TEXT, longText: TEXT, digest: BLOB, bytes: BLOB },
  // 2440587.5 is the Julian day of 1970.
  nowMs: sql<number>`cast(round((julianday('now') - 2440587.5) * 86400000) as integer)`,
  // Takes the write lock at once: a transaction that read first could not be upgraded after another one wrote.
  begin: [BEGIN],
  createAdapter: () => new SqliteAdapter(),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  classify,
  withMigrationLock,
  findDurabilityProblems,
};

function classify(error: unknown): SqlFailure {
  const code = sqliteCodeOf(error);
  if (code === SQLITE.BUSY || code === SQLITE.LOCKED) return "contended";
  if (code === SQLITE.FULL) return "exhausted";
  // There is no code for it.
  if (error instanceof Error && error.message.startsWith("duplicate column name")) return "exists";
  return code !== undefined && OUT_OF_REACH.has(code) ? "disconnected" : "refused";
}

async function withMigrationLock(connection: SqlConnection, action: () => Promise<void>): Promise<void> {
  await connection.run(BEGIN);
  try {
    await action();
    await connection.run(plainStatement("commit"));
  } catch (error) {
    await connection.run(plainStatement("rollback"));
    throw error;
  }
}

async function findDurabilityProblems(connection: SqlConnection): Promise<string[]> {
  const [synchronous] = (await connection.run(plainStatement<{ synchronous: number }>("pragma synchronous"))).rows;
  const [journal] = (await connection.run(plainStatement<{ journal_mode: string }>("pragma journal_mode"))).rows;
  const problems: string[] = [];
  if (toInteger(synchronous?.synchronous ?? 0) < FULL) problems.push("PRAGMA synchronous is not FULL");
  if (journal?.journal_mode !== "wal") {
    problems.push(`journal_mode is ${journal?.journal_mode}, not wal: the catalog must be a file on a local disk`);
  }
  return problems;
}
