import { KoboldError } from "@koboldfs/protocol";
import { fromHex, toHex, toInteger } from "../../catalog/sql/column-values.js";
import { checkDurability, prepareCatalog } from "../../catalog/sql/migrate.js";
import { type CatalogQueries, createCatalogQueries } from "../../catalog/sql/queries/catalog-queries.js";
import { parseFileRow } from "../../catalog/sql/queries/file-queries.js";
import { parseGroupRow } from "../../catalog/sql/queries/journal-queries.js";
import { parseNamespaceRow } from "../../catalog/sql/queries/namespace-queries.js";
import { parseNodeRow } from "../../catalog/sql/queries/node-queries.js";
import { plainStatement, type SqlStatement } from "../../catalog/sql/sql-connection.js";
import { SqliteConnection } from "../../catalog/sql/sqlite/sqlite-connection.js";
import { sqliteDialect } from "../../catalog/sql/sqlite/sqlite-dialect.js";
import type { NamespaceRow, NodeRow } from "../../model/commit-view.js";
import { type JournalGroup, type JournalGroupContent, parseJournalGroup } from "../../model/journal-group.js";
import type { JournalPoint } from "../../model/journal-history.js";
import { listReplayedFiles, type ReplayPlan, replayGroups } from "../../model/replay.js";
import type { Clock } from "../../runtime/clock.js";
import { crashPoint } from "../../runtime/crash-points.js";
import { continueHistory, findGenesis, forked } from "../continue-history.js";
import type { MirrorHead, MirrorWriter } from "../mirror.js";
import { CREATE_BRANCHES, dropBranchStatement, splitOffStatements } from "./branch-table.js";

const BEGIN = plainStatement("begin immediate");
const COMMIT = plainStatement("commit");
const ROLLBACK = plainStatement("rollback");
/** Groups replayed at a time when the live set is made anew: few enough that memory stays small. */
const REPLAY_GROUPS = 500;

interface Settings {
  readonly namespaces: Map<string, NamespaceRow>;
  readonly nodes: Map<string, NodeRow>;
}

/**
 * The file of a mirror, written in this thread: a SQLite database with the tables of a catalog, in which nothing is
 * decided any more. It is its only writer, so that head and settings are kept in memory.
 */
export class MirrorFile implements MirrorWriter {
  readonly #connection: SqliteConnection;
  readonly #queries: CatalogQueries;
  readonly #clusterId: string;
  #head: MirrorHead;
  #settings: Settings = { namespaces: new Map(), nodes: new Map() };

  private constructor(connection: SqliteConnection, queries: CatalogQueries, clusterId: string) {
    this.#connection = connection;
    this.#queries = queries;
    this.#clusterId = clusterId;
    this.#head = { ...findGenesis(clusterId), timeMs: 0, epoch: 0 };
  }

  /** Makes the file when there is none. Throws `mirror_refused` when it is another cluster's, or no mirror. */
  static async open(path: string, clusterId: string, clock: Clock): Promise<MirrorFile> {
    const queries = createCatalogQueries(sqliteDialect);
    const connection = await SqliteConnection.open(path, { clock });
    try {
      const preparation = { connection, dialect: sqliteDialect, queries, clusterId };
      await checkDurability(preparation);
      const found = await prepareCatalog(preparation);
      if (found !== clusterId)
        throw new KoboldError("mirror_refused", `${path} mirrors cluster ${found}, this is ${clusterId}`);
      await connection.run(CREATE_BRANCHES);
      const file = new MirrorFile(connection, queries, clusterId);
      await file.#load();
      return file;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get head(): MirrorHead {
    return this.#head;
  }

  async append(groups: readonly JournalGroup[]): Promise<MirrorHead> {
    const known = new Set<string>();
    for (const { last, hash } of groups) {
      if (last <= this.#head.number && (await this.#findGroupHash(last)) === hash) known.add(hash);
    }
    const fresh = continueHistory(this.#head, groups, ({ hash }) => known.has(hash));
    if (fresh.length > 0) await this.#transact(() => this.#replay(fresh, true));
    return this.#head;
  }

  async setEpoch(epoch: number): Promise<MirrorHead> {
    if (epoch <= this.#head.epoch) return this.#head;
    const { number, hash, timeMs } = this.#head;
    await this.#connection.run(this.#queries.epochs.insert({ epoch, number, hash: fromHex(hash), timeMs }));
    this.#head = { ...this.#head, epoch };
    return this.#head;
  }

  async splitOff(fork: JournalPoint): Promise<MirrorHead> {
    const genesis = findGenesis(this.#clusterId);
    const here = fork.number === 0 ? genesis.hash : await this.#findGroupHash(fork.number);
    if (here !== fork.hash) throw forked(fork.number, "it is no point of this history");
    await this.#transact(async () => {
      await this.#connection.runAll(splitOffStatements(fork));
      this.#settings = { namespaces: new Map(), nodes: new Map() };
      this.#head = { ...genesis, timeMs: 0, epoch: this.#head.epoch };
      await this.#moveHead();
      for (let after = 0; ; after = this.#head.number) {
        const groups = await this.#listGroups(after, REPLAY_GROUPS);
        if (groups.length === 0) return;
        await this.#replay(groups, false);
      }
    });
    return this.#head;
  }

  async dropBranch(fork: JournalPoint): Promise<void> {
    await this.#connection.run(dropBranchStatement(fork));
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #load(): Promise<void> {
    const { cluster, namespaces, nodes } = this.#queries;
    const [row] = (await this.#connection.run(cluster.findHead({}))).rows;
    if (row === undefined) throw new KoboldError("mirror_refused", "the mirror has no cluster row");
    const { head_number, head_hash, time_ms, epoch } = row;
    const point = { number: toInteger(head_number), hash: toHex(head_hash) };
    this.#head = { ...point, timeMs: toInteger(time_ms), epoch: toInteger(epoch) };
    const storedNamespaces = (await this.#connection.run(namespaces.list({}))).rows.map(parseNamespaceRow);
    const storedNodes = (await this.#connection.run(nodes.list({}))).rows.map(parseNodeRow);
    this.#settings = {
      namespaces: new Map(storedNamespaces.map((namespace) => [namespace.name, namespace])),
      nodes: new Map(storedNodes.map((node) => [node.id, node])),
    };
  }

  /** After a failure nothing has changed, in the file or in memory. */
  async #transact(work: () => Promise<void>): Promise<void> {
    await this.#connection.run(BEGIN);
    try {
      await work();
      crashPoint("mirror.commit.before");
      await this.#connection.run(COMMIT);
      crashPoint("mirror.commit.done");
    } catch (error) {
      // SQLite rolls back by itself when its disk is full or failed, and then refuses to do it once more.
      await this.#connection.run(ROLLBACK).catch(() => undefined);
      await this.#load();
      throw error;
    }
  }

  /** Writes what the groups imply and moves the head; also the groups themselves unless they are there. */
  async #replay(groups: readonly JournalGroup[], isNew: boolean): Promise<void> {
    const contents = groups.map(({ bytes }) => parseJournalGroup(bytes));
    const files = await this.#findFiles(listReplayedFiles(contents));
    const namespaces = [...this.#settings.namespaces.values()];
    const nodes = [...this.#settings.nodes.values()];
    const plan = replayGroups({ head: this.#head, files, namespaces, nodes }, contents);
    await this.#connection.runAll([
      ...(isNew ? this.#groupStatements(groups, contents) : []),
      ...this.#planStatements(plan),
    ]);
    for (const name of plan.namespacesToRemove) this.#settings.namespaces.delete(name);
    for (const namespace of plan.namespacesToPut) this.#settings.namespaces.set(namespace.name, namespace);
    for (const node of plan.nodesToPut) this.#settings.nodes.set(node.id, node);
    const [last, content] = [groups.at(-1), contents.at(-1)];
    if (last === undefined || content === undefined) return;
    this.#head = { ...this.#head, number: last.last, hash: last.hash, timeMs: content.timeMs };
    await this.#moveHead();
  }

  #groupStatements(groups: readonly JournalGroup[], contents: readonly JournalGroupContent[]): SqlStatement[] {
    return groups.map(({ first, last, hash, bytes }, index) => {
      const timeMs = contents[index]?.timeMs ?? 0;
      return this.#queries.journal.insertGroup({ first, last, hash: fromHex(hash), bytes, timeMs });
    });
  }

  #planStatements(plan: ReplayPlan): SqlStatement[] {
    const { files, namespaces, nodes, webhooks } = this.#queries;
    return [
      ...files.remove(plan.filesToRemove),
      ...files.put(plan.filesToPut),
      ...namespaces.remove(plan.namespacesToRemove),
      ...namespaces.put(plan.namespacesToPut),
      ...nodes.put(plan.nodesToPut, 0),
      ...webhooks.remove(plan.webhooksToRemove),
      ...webhooks.put(plan.webhooksToPut),
    ];
  }

  async #moveHead(): Promise<void> {
    const { number, hash, timeMs } = this.#head;
    await this.#connection.run(this.#queries.cluster.moveHead({ number, hash: fromHex(hash), timeMs }));
  }

  async #findFiles(refs: ReturnType<typeof listReplayedFiles>) {
    const results = await this.#connection.runAll(this.#queries.files.find(refs));
    return results.flatMap(({ rows }) => rows.map(parseFileRow));
  }

  async #findGroupHash(last: number): Promise<string | undefined> {
    const [row] = (await this.#connection.run(this.#queries.journal.findGroupHash({ last }))).rows;
    return row && toHex(row.hash);
  }

  async #listGroups(after: number, limit: number): Promise<JournalGroup[]> {
    const { rows } = await this.#connection.run(this.#queries.journal.listGroups({ after, limit }));
    return rows.map(parseGroupRow);
  }
}
