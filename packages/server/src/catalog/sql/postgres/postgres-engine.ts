import pg from "pg";
import { type DatabaseUrl, formatTls } from "../database-url.js";
import {
  CONNECT_TIMEOUT_MS,
  connectToFirst,
  type NetworkEngine,
  SESSION_TIMEOUTS,
  type SessionPurpose,
} from "../network-engine.js";
import { ConnectionCut } from "../sql-failure.js";
import { PostgresConnection } from "./postgres-connection.js";
import { postgresDialect } from "./postgres-dialect.js";

/** PostgreSQL, and what speaks its protocol. */
export function createPostgresEngine(url: DatabaseUrl): NetworkEngine {
  return {
    name: "postgres",
    dialect: postgresDialect,
    connect: (purpose) => connectToFirst(url, (host) => openSession(url, host, purpose)),
  };
}

async function openSession(url: DatabaseUrl, host: DatabaseUrl["hosts"][number], purpose: SessionPurpose) {
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
    return connection;
  } catch (error) {
    connection.destroy();
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
