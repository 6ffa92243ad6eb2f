import { type Connection, createConnection } from "mysql2/promise";
import { type Clock, systemClock } from "../../../runtime/clock.js";
import { toText } from "../column-values.js";
import { type DatabaseUrl, formatTls } from "../database-url.js";
import { type DatabaseHost, HostChooser } from "../host-chooser.js";
import { CONNECT_TIMEOUT_MS, type NetworkEngine, SESSION_TIMEOUTS, type SessionPurpose } from "../network-engine.js";
import type { SqlInteger, SqlText } from "../schema.js";
import { plainStatement } from "../sql-connection.js";
import { ConnectionCut } from "../sql-failure.js";
import { MysqlConnection } from "./mysql-connection.js";
import { mysqlDialect } from "./mysql-dialect.js";

interface ServerFacts {
  version: SqlText;
  read_only: SqlInteger;
}

/** MySQL and MariaDB, which tell who they are when asked. */
export function createMysqlEngine(url: DatabaseUrl, clock: Clock = systemClock): NetworkEngine {
  let name = "mysql";
  const chooser = new HostChooser({
    hosts: url.hosts,
    open: async (host, purpose) => {
      const { connection, isMariadb } = await openSession(url, host, purpose);
      name = isMariadb ? "mariadb" : "mysql";
      return { connection, promotions: 0 };
    },
    clock,
  });
  return {
    get name() {
      return name;
    },
    dialect: mysqlDialect,
    connect: (purpose) => chooser.connect(purpose),
    watchHost: (onSwitch) => chooser.watch(onSwitch),
    noteUse: () => chooser.noteUse(),
  };
}

async function openSession(url: DatabaseUrl, host: DatabaseHost, purpose: SessionPurpose) {
  const ssl = formatTls(url.sslMode);
  const driver = await connect({
    ...{ host: host.host, port: host.port ?? 3306, database: url.database, charset: "utf8mb4_bin" },
    ...(url.user === undefined ? {} : { user: url.user }),
    ...(url.password === undefined ? {} : { password: url.password }),
    ...(ssl === undefined ? {} : { ssl }),
    ...{
      connectTimeout: CONNECT_TIMEOUT_MS,
      supportBigNumbers: true,
      bigNumberStrings: true,
      multipleStatements: true,
    },
  });
  const connection = new MysqlConnection(driver, SESSION_TIMEOUTS[purpose].answerMs);
  try {
    const facts = plainStatement<ServerFacts>("select version() as version, @@global.read_only as read_only");
    const [row] = (await connection.run(facts)).rows;
    if (String(row?.read_only) !== "0") throw new ConnectionCut(`${host.host} takes no writes`);
    const isMariadb = toText(row?.version ?? "").includes("MariaDB");
    await connection.run(plainStatement(formatSettings(purpose, isMariadb)));
    await joinGalera(connection, host.host);
    return { connection, isMariadb };
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

async function connect(options: Parameters<typeof createConnection>[0] & object): Promise<Connection> {
  try {
    return await createConnection(options as Parameters<typeof createConnection>[0] & { host: string });
  } catch (error) {
    throw new ConnectionCut(error instanceof Error && error.message ? error.message : String(error), { cause: error });
  }
}

function formatSettings(purpose: SessionPurpose, isMariadb: boolean): string {
  const { lockMs, statementMs, idleInTransactionMs } = SESSION_TIMEOUTS[purpose];
  const settings = [
    // The driver escapes with backslashes: a server-wide NO_BACKSLASH_ESCAPES would make that a hole.
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    "time_zone = '+00:00'",
    `innodb_lock_wait_timeout = ${toSeconds(lockMs)}`,
    `lock_wait_timeout = ${toSeconds(lockMs)}`,
    "net_write_timeout = 5",
    ...(isMariadb
      ? [`max_statement_time = ${statementMs / 1000}`, `idle_transaction_timeout = ${toSeconds(idleInTransactionMs)}`]
      : formatMysqlSettings(purpose)),
  ];
  return `set session ${settings.join(", session ")}`;
}

/**
 * MySQL throws out no idle transactions, only idle sessions: so the session that commits ends when it rests, and is
 * opened again for the next commit.
 */
function formatMysqlSettings(purpose: SessionPurpose): string[] {
  const { idleInTransactionMs } = SESSION_TIMEOUTS[purpose];
  return purpose === "commit" ? [`wait_timeout = ${toSeconds(idleInTransactionMs)}`] : [];
}

function toSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

/**
 * On Galera a member that lost its cluster is refused, and a read waits until its member has applied what was committed
 * through the others; elsewhere there are no such settings.
 */
async function joinGalera(connection: MysqlConnection, host: string): Promise<void> {
  const variables = await showAll(connection, "show variables like 'wsrep_on'");
  if (variables.get("wsrep_on")?.toUpperCase() !== "ON") return;
  const status = await showAll(
    connection,
    "show status where variable_name in ('wsrep_ready', 'wsrep_cluster_status')",
  );
  if (status.get("wsrep_ready") !== "ON" || status.get("wsrep_cluster_status") !== "Primary") {
    throw new ConnectionCut(`${host} is no member of a Galera cluster that has a quorum`);
  }
  await connection.run(plainStatement("set session wsrep_sync_wait = 1"));
}

async function showAll(connection: MysqlConnection, statement: string): Promise<Map<string, string>> {
  const { rows } = await connection.run(plainStatement<{ Variable_name: SqlText; Value: SqlText }>(statement));
  return new Map(rows.map((row) => [toText(row.Variable_name).toLowerCase(), toText(row.Value)]));
}
