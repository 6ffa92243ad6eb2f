import pg from "pg";
import { type Clock, systemClock } from "../../../runtime/clock.js";
import { type DatabaseUrl, formatTls } from "../database-url.js";
import { type DatabaseHost, HostChooser, type OpenedSession } from "../host-chooser.js";
import { CONNECT_TIMEOUT_MS, type NetworkEngine, SESSION_TIMEOUTS, type SessionPurpose } from "../network-engine.js";
import { ConnectionCut } from "../sql-failure.js";
import { PostgresConnection } from "./postgres-connection.js";
import { postgresDialect } from "./postgres-dialect.js";

/** PostgreSQL, and what speaks its protocol. */
export function createPostgresEngine(url: DatabaseUrl, clock: Clock = systemClock): NetworkEngine {
  const chooser = new HostChooser({
    hosts: url.hosts,
    open: (host, purpose) => openSession(url, host, purpose),
    clock,
  });
  return {
    name: "postgres",
    dialect: postgresDialect,
    connect: (purpose) => chooser.connect(purpose),
    watchHost: (onSwitch) => chooser.watch(onSwitch),
    noteUse: () => chooser.noteUse(),
  };
}

async function openSession(url: DatabaseUrl, host: DatabaseHost, purpose: SessionPurpose): Promise<OpenedSession> {
  const client = new pg.Client({
    ...{ host: host.host, port: host.port ?? 5432, database: url.database },
    ...(url.user === undefined ? {} : { user: url.user }),
    ...(url.password === undefined ? {} : { password: url.password }),
    ssl: formatTls(url.sslMode) ?? false,
    ...{ application_name: `koboldfs ${purpose}`, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true },
    pipeline: true,
  });
  await connect(client);
  const connection = new PostgresConnection(client, SESSION_TIMEOUTS[purpose].answerMs);
  try {
    await connection.run({ sql: formatSettings(purpose), parameters: [] });
    const { rows } = await connection.run<{ recovering: boolean }>({
      sql: "select pg_is_in_recovery() as recovering",
      parameters: [],
    });
    if (rows[0]?.recovering !== false) throw new ConnectionCut(`${host.host} is a standby and takes no writes`);
    return { connection, promotions: url.hosts.length === 1 ? 0 : await findTimeline(connection) };
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Each promotion begins a new one. What speaks PostgreSQL's protocol and has no log of this kind has none. */
async function findTimeline(connection: PostgresConnection): Promise<number> {
  const text = "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline";
  try {
    const { rows } = await connection.run<{ timeline: string }>({ sql: text, parameters: [] });
    return Number.parseInt(rows[0]?.timeline ?? "0", 16);
  } catch (error) {
    if (postgresDialect.classify(error) === "refused") return 0;
    throw error;
  }
}

async function connect(client: pg.Client): Promise<void> {
  // Without a listener an error that arrives while connecting would end the process.
  client.on("error", ignoreUntilConnected);
  try {
    await client.connect();
  } catch (error) {
    if (error instanceof pg.DatabaseError) throw error;
    throw new ConnectionCut(error instanceof Error && error.message ? error.message : String(error), { cause: error });
  }
}

/** `connect` rejects with the same error. */
function ignoreUntilConnected(): void {}

function formatSettings(purpose: SessionPurpose): string {
  const { lockMs, statementMs, idleInTransactionMs } = SESSION_TIMEOUTS[purpose];
  // A node whose machine lost power answers no probe: TCP gives it up in 5 s, and its session with it.
  const tcp = { tcp_keepalives_idle: 2, tcp_keepalives_interval: 1, tcp_keepalives_count: 3, tcp_user_timeout: 5000 };
  const settings = {
    lock_timeout: lockMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    ...tcp,
  };
  return Object.entries(settings)
    .map(([name, value]) => `set ${name} = ${value}`)
    .join("; ");
}
