import { MysqlAdapter, MysqlQueryCompiler, sql } from "kysely";
import { toInteger, toText } from "../column-values.js";
import type { SqlDialect, SqlFailure } from "../dialect.js";
import { plainStatement, type SqlConnection } from "../sql-connection.js";
import type { SqlInteger, SqlText } from "../schema.js";

/** Every collation of this engine folds something or pads with spaces; bytes are compared as bytes. */
const SHORT_TEXT = sql`varbinary(255)`;
const KEY_TEXT = sql`varbinary(1024)`;

/** For MySQL, MariaDB and Galera. */
export const mysqlDialect: SqlDialect = {
  capabilities: {
    upsert: "on-duplicate-key",
    createIndexIfNotExists: false,
    indexesBlobsLate: false,
    breaksFrozenLocks: true,
    tableSuffix: sql`engine = InnoDB row_format = dynamic default charset = utf8mb4 collate = utf8mb4_bin`,
  },
  types: {
    integer: sql`bigint`,
    shortText: SHORT_TEXT,
    keyText: KEY_TEXT,
    longText: sql`mediumtext`,
    digest: sql`binary(32)`,
    bytes: sql`longblob`,
  },
  // now() would be the statement's start; sysdate() is read when it is evaluated. Sessions run in UTC, because a local
  // time is ambiguous for an hour each autumn.
  nowMs: sql<number>`cast(unix_timestamp(sysdate(3)) * 1000 as signed)`,
  /**
   * READ COMMITTED, as on PostgreSQL: each statement behind the journal's lock sees everything of the holder before.
   * REPEATABLE READ, the default, would lock gaps as well, so that commits and debts that are settled meet in
   * deadlocks, and with innodb_snapshot_isolation it fails when another one wrote since its first read.
   */
  begin: [plainStatement("set transaction isolation level read committed"), plainStatement("start transaction")],
  createAdapter: () => new MysqlAdapter(),
  createQueryCompiler: () => new MysqlQueryCompiler(),
  classify,
  withMigrationLock,
  findDurabilityProblems,
};

/** https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference */
const FAILURES: Readonly<Record<number, SqlFailure>> = {
  1020: "contended", // the row changed since it was read (snapshot isolation)
  1205: "contended", // lock wait timeout
  1213: "contended", // deadlock; on Galera also a failed certification
  1969: "contended", // max_statement_time
  3024: "contended", // max_execution_time
  1021: "exhausted", // disk full
  1114: "exhausted", // table full
  1050: "exists",
  1060: "exists",
  1061: "exists",
  1040: "disconnected", // too many connections
  1044: "disconnected", // no access to the database
  1045: "disconnected", // no access
  1047: "disconnected", // a Galera node without its cluster
  1049: "disconnected", // no such database
  1053: "disconnected", // shutting down
  1290: "disconnected", // read-only
  1792: "disconnected", // read-only transaction
  1836: "disconnected", // read-only mode
  1927: "disconnected", // killed
  4031: "disconnected", // disconnected for idling
};

function classify(error: unknown): SqlFailure {
  if (!(error instanceof Error)) return "refused";
  if ("errno" in error && typeof error.errno === "number" && error.errno > 0) {
    const known = FAILURES[error.errno];
    if (known !== undefined) return known;
  }
  return "fatal" in error && error.fatal === true ? "disconnected" : "refused";
}

/** The lock's name belongs to the whole server: the database is part of it. On Galera it is one per node, and the steps
 * themselves do no harm side by side. */
const LOCK_NAME = "concat('koboldfs.', md5(database()))";
const LOCK_WAIT_S = 60;

async function withMigrationLock(connection: SqlConnection, action: () => Promise<void>): Promise<void> {
  const lock = plainStatement<{ taken: SqlInteger | null }>(`select get_lock(${LOCK_NAME}, ${LOCK_WAIT_S}) as taken`);
  const { rows } = await connection.run(lock);
  if (toInteger(rows[0]?.taken ?? 0) !== 1) throw new Error("another node has been migrating for too long");
  try {
    await action();
  } finally {
    if (connection.isUsable) await connection.run(plainStatement(`select release_lock(${LOCK_NAME})`));
  }
}

async function findDurabilityProblems(connection: SqlConnection): Promise<string[]> {
  const names = ["innodb_flush_log_at_trx_commit", "log_bin", "sync_binlog"];
  const list = names.map((name) => `@@global.${name} as ${name}`).join(", ");
  const [row] = (await connection.run(plainStatement<Record<string, SqlText | number>>(`select ${list}`))).rows;
  const read = (name: string) => toText(String(row?.[name]));
  const problems: string[] = [];
  if (read("innodb_flush_log_at_trx_commit") !== "1") problems.push("innodb_flush_log_at_trx_commit is not 1");
  if (read("log_bin") === "1" && read("sync_binlog") !== "1") problems.push("sync_binlog is not 1, and log_bin is on");
  return problems;
}
