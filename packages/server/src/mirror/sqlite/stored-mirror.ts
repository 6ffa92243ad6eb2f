import { KoboldError } from "@koboldfs/protocol";
import type { NodeRecord } from "../../catalog/catalog.js";
import { toHex, toInteger } from "../../catalog/sql/column-values.js";
import { type CatalogQueries, createCatalogQueries } from "../../catalog/sql/queries/catalog-queries.js";
import { parseClusterId } from "../../catalog/sql/queries/cluster-queries.js";
import { parseNodeRecord } from "../../catalog/sql/queries/node-queries.js";
import { parseGroupRow } from "../../catalog/sql/queries/journal-queries.js";
import { plainStatement, type SqlStatement } from "../../catalog/sql/sql-connection.js";
import { SqliteConnection } from "../../catalog/sql/sqlite/sqlite-connection.js";
import { sqliteDialect } from "../../catalog/sql/sqlite/sqlite-dialect.js";
import type { JournalGroup } from "../../model/journal-group.js";
import type { Clock } from "../../runtime/clock.js";
import type { MirrorBranch, MirrorHead } from "../mirror.js";
import { LIST_BRANCHES, parseBranchRows } from "./branch-table.js";

const FIND_BRANCHES = plainStatement("select 1 from sqlite_master where type = 'table' and name = 'branches'");

/**
 * The file of a mirror as it lies there, while no node runs on it. Only read, and whatever version of its tables it has:
 * it may be the last copy of the journal. Every method rejects with `mirror_refused` when it cannot be read.
 */
export class StoredMirror {
  readonly clusterId: string;
  readonly #path: string;
  readonly #session: SqliteConnection;
  readonly #queries: CatalogQueries;

  private constructor(path: string, session: SqliteConnection, clusterId: string) {
    this.#path = path;
    this.#session = session;
    this.#queries = createCatalogQueries(sqliteDialect);
    this.clusterId = clusterId;
  }

  static async open(path: string, clock: Clock): Promise<StoredMirror> {
    try {
      const session = await SqliteConnection.open(path, { clock });
      const [row] = (await session.run(createCatalogQueries(sqliteDialect).cluster.findClusterId({}))).rows;
      if (row === undefined) throw new Error("it belongs to no cluster");
      return new StoredMirror(path, session, parseClusterId(row));
    } catch (cause) {
      throw refused(path, cause);
    }
  }

  async head(): Promise<MirrorHead> {
    const [row] = await this.#read(this.#queries.cluster.findHead({}));
    if (row === undefined) throw refused(this.#path, new Error("it has no head"));
    const { head_number, head_hash, time_ms, epoch } = row;
    const point = { number: toInteger(head_number), hash: toHex(head_hash) };
    return { ...point, timeMs: toInteger(time_ms), epoch: toInteger(epoch) };
  }

  /** The nodes that the journal names; what is known of them outside of it means nothing here. */
  async listNodes(): Promise<NodeRecord[]> {
    return (await this.#read(this.#queries.nodes.list({}))).map(parseNodeRecord);
  }

  async listGroups(after: number, limit: number): Promise<JournalGroup[]> {
    return (await this.#read(this.#queries.journal.listGroups({ after, limit }))).map(parseGroupRow);
  }

  async findGroupHash(number: number): Promise<string | undefined> {
    const [row] = await this.#read(this.#queries.journal.findGroupHash({ last: number }));
    return row && toHex(row.hash);
  }

  async listBranches(): Promise<MirrorBranch[]> {
    const [table] = await this.#read(FIND_BRANCHES);
    return table === undefined ? [] : parseBranchRows(await this.#read(LIST_BRANCHES));
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #read<Row>(statement: SqlStatement<Row>): Promise<readonly Row[]> {
    try {
      return (await this.#session.run(statement)).rows;
    } catch (cause) {
      throw refused(this.#path, cause);
    }
  }
}

function refused(path: string, cause: unknown): KoboldError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new KoboldError("mirror_refused", `${path} cannot be read: ${said}`, { cause });
}
