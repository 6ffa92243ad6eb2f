import type { SqlDialect } from "./database-adapter.js";

/**
 * The statements of one dialect. Every decision is a row of `koboldfs_decisions`; its key makes sure that there is one. The row
 * `coordinator` holds what this database is called, so that no other takes its transactions for its own.
 */
export interface DialectSql {
  readonly createTable: string;
  /** Makes sure within a transaction that its commit will be durable, where the session can. */
  readonly forceDurability: readonly string[];
  /** Answers one row with `warning` when commits of this database are not durable and nothing here can change that. */
  readonly findDurabilityWarning: string;
  /** Answers one row with `is_primary` 1 or 0. */
  readonly askIsPrimary: string;
  /** Lets a transaction wait at most so long for another one's row. */
  limitWaiting(milliseconds: number): readonly string[];
  /** Undoes what that set for more than its transaction. */
  readonly endLimit: readonly string[];
  /** id, decision: fails when there is a decision. */
  readonly insertDecision: string;
  /** id, decision: does nothing when there is a decision. */
  readonly insertDecisionIfNone: string;
  readonly readDecision: string;
  /** As `readDecision`, of a row that this transaction has locked: what was committed while it waited is seen. */
  readonly readLockedDecision: string;
  /** How many at most: the oldest that are 30 days old. */
  readonly listOldDecisions: string;
  readonly removeDecision: string;
  /** Whether an error says that another transaction holds the row. */
  isBusy(thrown: unknown): boolean;
}

const TABLE = "koboldfs_decisions";
export const COORDINATOR_ID = "coordinator";
const KEEP_DAYS = 30;
const SYNCHRONOUS_FULL = 2;

const POSTGRES: DialectSql = {
  createTable: `create table if not exists ${TABLE} (id varchar(64) primary key, decision varchar(24) not null, decided_at timestamptz not null default now())`,
  // 'local' and the remote kinds say where besides the own disk it must be; only 'off' does not wait for that.
  forceDurability: [
    "select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'",
  ],
  findDurabilityWarning:
    "select 'PostgreSQL runs with fsync = off: a power cut may take commits back' as warning where current_setting('fsync') = 'off'",
  askIsPrimary: "select case when pg_is_in_recovery() then 0 else 1 end as is_primary",
  limitWaiting: (milliseconds) => [`set local lock_timeout = ${Math.ceil(milliseconds)}`],
  endLimit: [],
  insertDecision: `insert into ${TABLE} (id, decision) values ($1, $2)`,
  insertDecisionIfNone: `insert into ${TABLE} (id, decision) values ($1, $2) on conflict (id) do nothing`,
  readDecision: `select decision from ${TABLE} where id = $1`,
  readLockedDecision: `select decision from ${TABLE} where id = $1 for update`,
  listOldDecisions: `select id from ${TABLE} where id <> '${COORDINATOR_ID}' and decided_at < now() - interval '${KEEP_DAYS} days' order by decided_at limit $1`,
  removeDecision: `delete from ${TABLE} where id = $1`,
  // lock_not_available; serialization_failure where the application made stricter isolation the default
  isBusy: (thrown) => ["55P03", "40001"].includes(codeOf(thrown)),
};

const MYSQL: DialectSql = {
  createTable: `create table if not exists ${TABLE} (id varchar(64) character set ascii collate ascii_bin primary key, decision varchar(24) not null, decided_at timestamp not null default current_timestamp) engine = innodb`,
  forceDurability: [],
  findDurabilityWarning:
    "select 'innodb_flush_log_at_trx_commit is not 1: a power cut may take commits back' as warning from dual where @@global.innodb_flush_log_at_trx_commit <> 1",
  askIsPrimary: "select case when cast(@@global.read_only as char) in ('0', 'OFF') then 1 else 0 end as is_primary",
  limitWaiting: (milliseconds) => [
    `set session innodb_lock_wait_timeout = ${Math.max(1, Math.ceil(milliseconds / 1000))}`,
  ],
  endLimit: ["set session innodb_lock_wait_timeout = default"],
  insertDecision: `insert into ${TABLE} (id, decision) values (?, ?)`,
  insertDecisionIfNone: `insert into ${TABLE} (id, decision) values (?, ?) on duplicate key update id = id`,
  readDecision: `select decision from ${TABLE} where id = ?`,
  readLockedDecision: `select decision from ${TABLE} where id = ? for update`,
  listOldDecisions: `select id from ${TABLE} where id <> '${COORDINATOR_ID}' and decided_at < now() - interval ${KEEP_DAYS} day order by decided_at limit ?`,
  removeDecision: `delete from ${TABLE} where id = ?`,
  // Lock wait timeout, deadlock: both mean that somebody else is at work on the row.
  isBusy: (thrown) => ["ER_LOCK_WAIT_TIMEOUT", "ER_LOCK_DEADLOCK"].includes(codeOf(thrown)),
};

const SQLITE: DialectSql = {
  createTable: `create table if not exists ${TABLE} (id text primary key, decision text not null, decided_at integer not null default (unixepoch())) without rowid`,
  forceDurability: [],
  findDurabilityWarning: `select 'SQLite keeps its journal in memory or has none: a crash may destroy the database' as warning from pragma_journal_mode where journal_mode in ('memory', 'off') union all select 'SQLite runs with synchronous below FULL: a power cut may take commits back' from pragma_synchronous where synchronous < ${SYNCHRONOUS_FULL}`,
  askIsPrimary: "select 1 as is_primary",
  limitWaiting: () => [],
  endLimit: [],
  insertDecision: `insert into ${TABLE} (id, decision) values (?, ?)`,
  insertDecisionIfNone: `insert into ${TABLE} (id, decision) values (?, ?) on conflict (id) do nothing`,
  readDecision: `select decision from ${TABLE} where id = ?`,
  readLockedDecision: `select decision from ${TABLE} where id = ?`,
  listOldDecisions: `select id from ${TABLE} where id <> '${COORDINATOR_ID}' and decided_at < unixepoch() - ${KEEP_DAYS} * 86400 order by decided_at limit ?`,
  removeDecision: `delete from ${TABLE} where id = ?`,
  isBusy: (thrown) => codeOf(thrown).startsWith("SQLITE_BUSY"),
};

export const DIALECTS: Readonly<Record<SqlDialect, DialectSql>> = {
  postgres: POSTGRES,
  mysql: MYSQL,
  sqlite: SQLITE,
};

/** The statement that makes the one table that coupled transactions need, for whoever keeps their schema by migrations. */
export function formatDecisionsTable(dialect: SqlDialect): string {
  return `${DIALECTS[dialect].createTable};`;
}

function codeOf(thrown: unknown): string {
  const { code } = (thrown ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "";
}
