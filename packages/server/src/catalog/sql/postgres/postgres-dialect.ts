import { PostgresAdapter, PostgresQueryCompiler, sql } from "kysely";
import pg from "pg";
import type { SqlDialect, SqlFailure } from "../dialect.js";
import { plainStatement, type SqlConnection } from "../sql-connection.js";

const BIGINT = sql`bigint`;
const TEXT = sql`text collate "C"`;
const BYTEA = sql`bytea`;

/**
 * READ COMMITTED, because each statement then sees what was committed before it began: those behind the journal's lock
 * see everything of the holder before. A stricter level would fix the snapshot before the lock was had, and fail.
 */
const BEGIN = plainStatement("begin isolation level read committed read write");

/** Any number will do, as long as no other program in the same database uses it: "kobold" in ASCII. */
const MIGRATION_LOCK = 0x6b6f626f6c64;

export const postgresDialect: SqlDialect = {
  capabilities: {
    upsert: "on-conflict",
    createIndexIfNotExists: true,
    indexesBlobsLate: false,
    breaksFrozenLocks: true,
  },
  types: { integer: BIGINT, shortText: TEXT, keyText: TEXT, longText: TEXT, digest: BYTEA, bytes: BYTEA },
  // now() would be the transaction's start, before the lock.
  nowMs: sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`,
  begin: [BEGIN],
  createAdapter: () => new PostgresAdapter(),
  createQueryCompiler: () => new PostgresQueryCompiler(),
  classify,
  withMigrationLock,
  findDurabilityProblems,
};

/** SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function classify(error: unknown): SqlFailure {
  if (!(error instanceof pg.DatabaseError)) return isSocketError(error) ? "disconnected" : "refused";
  const code = error.code ?? "";
  // serialization_failure, deadlock_detected, lock_not_available, query_canceled (by statement_timeout)
  if (["40001", "40P01", "55P03", "57014"].includes(code)) return "contended";
  if (code === "53100") return "exhausted";
  // duplicate_column
  if (code === "42701") return "exists";
  // Connections, logins, a database that starts, stops or is full, a host that became read-only (25006), an idle
  // transaction that was thrown out (25P03).
  if (/^(08|28|3D|53|57P|58|25006|25P03|XX)/.test(code)) return "disconnected";
  return "refused";
}

function isSocketError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && /^E[A-Z]/.test(error.code);
}

/** Held by the session, so that it ends with the session too. */
async function withMigrationLock(connection: SqlConnection, action: () => Promise<void>): Promise<void> {
  await connection.run(plainStatement(`select pg_advisory_lock(${MIGRATION_LOCK})`));
  try {
    await action();
  } finally {
    if (connection.isUsable) await connection.run(plainStatement(`select pg_advisory_unlock(${MIGRATION_LOCK})`));
  }
}

async function findDurabilityProblems(connection: SqlConnection): Promise<string[]> {
  const names = ["fsync", "synchronous_commit", "full_page_writes"];
  const list = names.map((name) => `current_setting('${name}') as ${name}`).join(", ");
  const { rows } = await connection.run(plainStatement<Record<string, string>>(`select ${list}`));
  return names.filter((name) => rows[0]?.[name] === "off").map((name) => `${name} is off`);
}
