import pg from "pg";
import { systemClock } from "../../runtime/clock.js";
import { silentLogger } from "../../runtime/logger.js";
import { SQLITE } from "../../runtime/sqlite-file.js";
import type { Catalog } from "../catalog.js";
import type { HarnessOpenOptions, HarnessSession } from "../conformance/catalog-harness.js";
import type { FaultPlan } from "../conformance/fault-plan.js";
import { parseDatabaseUrl } from "./database-url.js";
import type { SqlDialect } from "./dialect.js";
import { createMysqlEngine } from "./mysql/mysql-engine.js";
import type { NetworkEngine, SessionPurpose } from "./network-engine.js";
import { openNetworkCatalog } from "./open-network-catalog.js";
import { openSqlCatalog } from "./open-sql-catalog.js";
import { createPostgresEngine } from "./postgres/postgres-engine.js";
import { createCatalogQueries } from "./queries/catalog-queries.js";
import { RetryingRunner } from "./retrying-runner.js";
import { SqlCatalog } from "./sql-catalog.js";
import { plainStatement, type SqlConnection } from "./sql-connection.js";
import { SqliteConnection } from "./sqlite/sqlite-connection.js";
import { sqliteDialect } from "./sqlite/sqlite-dialect.js";
import { openSqliteWriter } from "./sqlite/open-sqlite-writer.js";
import { FaultyConnection } from "./test-faulty-connection.js";

/** Opens a session of the engine that the dsn names, with the journal lock's timeouts. */
export async function openTestSession(dsn: string): Promise<{ connection: SqlConnection; dialect: SqlDialect }> {
  if (dsn.startsWith("sqlite:"))
    return { connection: await openSqliteSession(dsn.slice("sqlite:".length)), dialect: sqliteDialect };
  const engine = createEngine(dsn);
  return { connection: await engine.connect("commit"), dialect: engine.dialect };
}

export function openSqliteSession(path: string): Promise<SqliteConnection> {
  return SqliteConnection.open(path, { clock: systemClock });
}

/** As `openTestSession`, for who knows no engine. */
export async function openHarnessSession(dsn: string): Promise<HarnessSession> {
  const { connection } = await openTestSession(dsn);
  return {
    async run(text) {
      await connection.run(plainStatement(text));
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function createEngine(dsn: string): NetworkEngine {
  const create = dsn.startsWith("postgres") ? createPostgresEngine : createMysqlEngine;
  return create(parseDatabaseUrl(dsn));
}

/** As `openSqlCatalog`, with sessions that break when the test wants it. */
export async function openTestCatalog(dsn: string, options: HarnessOpenOptions = {}): Promise<Catalog> {
  const { faults, faultsIn = "commit", logger = silentLogger, deadlineMs, witness } = options;
  const open = { dsn, logger, clock: systemClock, ...(witness !== undefined && { witness }) };
  if (dsn.startsWith("sqlite:")) {
    if (faults === undefined && deadlineMs === undefined) return openSqlCatalog(open);
    return openUnthreaded(dsn.slice("sqlite:".length), options);
  }
  if (faults === undefined) return openSqlCatalog(open);
  return openNetworkCatalog(breakEngine(createEngine(dsn), faults, faultsIn), open);
}

function breakEngine(engine: NetworkEngine, faults: FaultPlan, purpose: SessionPurpose): NetworkEngine {
  return {
    dialect: engine.dialect,
    get name() {
      return engine.name;
    },
    watchHost: (onSwitch) => engine.watchHost(onSwitch),
    noteUse: () => engine.noteUse(),
    async connect(asked) {
      const connection = await engine.connect(asked);
      return asked === purpose
        ? new FaultyConnection(connection, faults, () => makeContention(engine.dialect))
        : connection;
    },
  };
}

/** A SQLite catalog that writes in this thread, where its sessions can be reached. */
async function openUnthreaded(path: string, options: HarnessOpenOptions): Promise<Catalog> {
  const { faults, faultsIn = "commit", logger = silentLogger, deadlineMs } = options;
  const connect = async () => {
    const connection = await openSqliteSession(path);
    return faults === undefined
      ? connection
      : new FaultyConnection(connection, faults, () => makeContention(sqliteDialect));
  };
  const plain = () => openSqliteSession(path);
  const { clusterId, writer } = await openSqliteWriter({
    ...{ path, allowUnsafe: false, clock: systemClock, logger },
    connect: faultsIn === "commit" ? connect : plain,
    prepare: faultsIn === "prepare" ? connect : plain,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  const reader = await openSqliteSession(path);
  const runner = new RetryingRunner({ runner: reader, dialect: sqliteDialect, clock: systemClock });
  const queries = createCatalogQueries(sqliteDialect);
  const parts = { clusterId, engine: "sqlite", queries, runner, writer, gathersLookups: false };
  return new SqlCatalog({ ...parts, release: () => reader.close() });
}

/** What the engine's driver throws for a deadlock, or what comes closest. */
function makeContention(dialect: SqlDialect): Error {
  const fields = dialect === sqliteDialect ? { rawCode: SQLITE.BUSY } : { code: "40P01", errno: 1213 };
  const error = Object.assign(new pg.DatabaseError("injected", 0, "error"), fields);
  if (dialect.classify(error) !== "contended") throw new Error("this is no contention of the dialect's");
  return error;
}
