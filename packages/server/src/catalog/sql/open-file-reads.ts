import { existsSync } from "node:fs";
import type { FileKey, NamespaceName } from "@koboldfs/protocol";
import type { Clock } from "../../runtime/clock.js";
import type { FileRef } from "../../model/commit-view.js";
import type { HeldFile } from "../catalog.js";
import { type HistoryKeeper, openComparedSession } from "./compared-session.js";
import type { SqlDialect } from "./dialect.js";
import { FileLookups } from "./file-lookups.js";
import { loadNetworkEngine } from "./load-network-engine.js";
import { parseSqlitePath, schemeOf } from "./open-sql-catalog.js";
import { createCatalogQueries } from "./queries/catalog-queries.js";
import { parseLiveFileRow } from "./queries/file-queries.js";
import { RetryingRunner } from "./retrying-runner.js";
import { SessionPool } from "./session-pool.js";
import type { SqlConnection } from "./sql-connection.js";
import { ConnectionCut } from "./sql-failure.js";
import { SqliteConnection } from "./sqlite/sqlite-connection.js";
import { sqliteDialect } from "./sqlite/sqlite-dialect.js";

/** One query on its way while the answer of another is read; `FileLookups` has no more. */
const MAX_SESSIONS = 2;

export interface FileReadsOptions {
  readonly dsn: string;
  readonly clock: Clock;
  /** Every session is compared with what it knows before anything is read in it. */
  readonly keeper: HistoryKeeper;
}

/** Files of a catalog that another process of this node keeps: looked up, and nothing else. */
export interface FileReads {
  /** As `FileCatalog` has it. */
  findFile(namespace: NamespaceName, key: FileKey): Promise<HeldFile | undefined>;
  close(): Promise<void>;
}

interface Way {
  readonly dialect: SqlDialect;
  readonly connect: () => Promise<SqlConnection>;
  readonly onUse?: () => void;
  /** SQLite answers before anybody else can ask. */
  readonly maxSessions: number;
  readonly gathersLookups: boolean;
}

/** Opens sessions when there is need: the database may be away. It must have been made and brought up to date before. */
export async function openFileReads({ dsn, clock, keeper }: FileReadsOptions): Promise<FileReads> {
  const { connect, gathersLookups, ...way } = await findWay(dsn, clock);
  const queries = createCatalogQueries(way.dialect);
  const open = () => openComparedSession({ connect, queries, witness: keeper });
  const pool = new SessionPool({ ...way, connect: open });
  const runner = new RetryingRunner({ runner: pool, dialect: way.dialect, clock });
  const findFiles = async (refs: readonly FileRef[]) => {
    const found: HeldFile[] = [];
    for (const statement of queries.files.findLive(refs)) {
      for (const row of (await runner.run(statement)).rows) found.push(parseLiveFileRow(row));
    }
    return found;
  };
  const lookups = gathersLookups ? new FileLookups(findFiles) : undefined;
  return {
    async findFile(namespace, key) {
      if (lookups !== undefined) return lookups.find({ namespace, key });
      return (await findFiles([{ namespace, key }]))[0];
    },
    close: () => pool.close(),
  };
}

async function findWay(dsn: string, clock: Clock): Promise<Way> {
  const scheme = schemeOf(dsn);
  if (scheme === "sqlite") {
    const connect = () => openSqlite(parseSqlitePath(dsn), clock);
    return { dialect: sqliteDialect, connect, maxSessions: 1, gathersLookups: false };
  }
  const engine = await loadNetworkEngine(scheme, dsn);
  return {
    dialect: engine.dialect,
    connect: () => engine.connect("read"),
    onUse: () => engine.noteUse(),
    maxSessions: MAX_SESSIONS,
    gathersLookups: true,
  };
}

/** SQLite would make a file that is not there, and an empty one would lack everything. */
async function openSqlite(path: string, clock: Clock): Promise<SqlConnection> {
  if (!existsSync(path)) throw new ConnectionCut(`${path} is not there`);
  return SqliteConnection.open(path, { clock, endsWhenRefused: true });
}
