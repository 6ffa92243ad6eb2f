import { dirname, resolve } from "node:path";
import { type FileKey, KoboldError, type NamespaceInfo, type NamespaceName } from "@koboldfs/protocol";
import type { ListPage, ListQuery, NamespaceHorizon, NodeRecord } from "../../catalog/catalog.js";
import { createCatalogQueries } from "../../catalog/sql/queries/catalog-queries.js";
import { SqlCatalog } from "../../catalog/sql/sql-catalog.js";
import { SqliteConnection } from "../../catalog/sql/sqlite/sqlite-connection.js";
import { sqliteDialect } from "../../catalog/sql/sqlite/sqlite-dialect.js";
import type { FileRecord } from "../../model/change.js";
import type { JournalGroup } from "../../model/journal-group.js";
import type { JournalPoint } from "../../model/journal-history.js";
import type { Clock } from "../../runtime/clock.js";
import { makeDurableFolder } from "../../runtime/durable-folder.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import type { Logger } from "../../runtime/logger.js";
import { ThreadCalls } from "../../runtime/thread/thread-calls.js";
import type { Mirror, MirrorBranch, MirrorHead } from "../mirror.js";
import { LIST_BRANCHES, parseBranchRows } from "./branch-table.js";
import { refusingWriter } from "./refusing-writer.js";

export interface SqliteMirrorOptions {
  /** Made, with its folder, when there is none. */
  readonly path: string;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface SqliteMirrorParts {
  readonly clusterId: string;
  readonly thread: ThreadCalls;
  readonly session: SqliteConnection;
  readonly head: MirrorHead;
}

/** A mirror in one file: it is read here, as a catalog is, and written in a thread of its own. */
export class SqliteMirror implements Mirror {
  readonly clusterId: string;
  readonly #thread: ThreadCalls;
  readonly #session: SqliteConnection;
  readonly #reader: SqlCatalog;
  #head: MirrorHead;

  private constructor({ clusterId, thread, session, head }: SqliteMirrorParts) {
    this.clusterId = clusterId;
    this.#thread = thread;
    this.#session = session;
    this.#head = head;
    const queries = createCatalogQueries(sqliteDialect);
    const parts = { clusterId, engine: "mirror", queries, runner: session, writer: refusingWriter };
    this.#reader = new SqlCatalog({ ...parts, gathersLookups: false, release: () => session.close() });
  }

  /** Throws `mirror_refused` when the file is another cluster's or no mirror. */
  static async open({ path, clusterId, clock, logger }: SqliteMirrorOptions): Promise<SqliteMirror> {
    await makeDurableFolder(systemFileSystem, dirname(resolve(path)));
    const script = new URL("./mirror-worker.js", import.meta.url);
    const settings = { path, clusterId };
    const thread = new ThreadCalls({ script, settings, logger, what: "the mirror's thread", deadCode: "disk_failed" });
    try {
      const head = (await thread.ready) as MirrorHead;
      return new SqliteMirror({ clusterId, thread, session: await SqliteConnection.open(path, { clock }), head });
    } catch (error) {
      await thread.terminate();
      throw error;
    }
  }

  head(): MirrorHead {
    return this.#head;
  }

  append(groups: readonly JournalGroup[]): Promise<MirrorHead> {
    return this.#write("append", groups);
  }

  setEpoch(epoch: number): Promise<MirrorHead> {
    return this.#write("setEpoch", epoch);
  }

  splitOff(fork: JournalPoint): Promise<MirrorHead> {
    return this.#write("splitOff", fork);
  }

  async dropBranch(fork: JournalPoint): Promise<void> {
    await this.#thread.call("dropBranch", [fork]);
  }

  findGroupHash(number: number): Promise<string | undefined> {
    return this.#reading(() => this.#reader.findGroupHash(number));
  }

  listGroups(after: number, limit: number): Promise<JournalGroup[]> {
    return this.#reading(() => this.#reader.listGroups(after, limit));
  }

  listHorizons(): Promise<NamespaceHorizon[]> {
    return this.#reading(() => this.#reader.listHorizons());
  }

  findFile(namespace: NamespaceName, key: FileKey): Promise<FileRecord | undefined> {
    return this.#reading(() => this.#reader.findFile(namespace, key));
  }

  listFiles(namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    return this.#reading(() => this.#reader.listFiles(namespace, query));
  }

  findNamespace(name: NamespaceName): Promise<NamespaceInfo | undefined> {
    return this.#reading(() => this.#reader.findNamespace(name));
  }

  listNamespaces(): Promise<NamespaceInfo[]> {
    return this.#reading(() => this.#reader.listNamespaces());
  }

  listNodes(): Promise<NodeRecord[]> {
    return this.#reading(() => this.#reader.listNodes());
  }

  listBranches(): Promise<MirrorBranch[]> {
    return this.#reading(async () => parseBranchRows((await this.#session.run(LIST_BRANCHES)).rows));
  }

  async close(): Promise<void> {
    await this.#thread.close();
    await this.#session.close();
  }

  async #write(method: string, parameter: unknown): Promise<MirrorHead> {
    this.#head = (await this.#thread.call(method, [parameter])) as MirrorHead;
    return this.#head;
  }

  async #reading<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof KoboldError) throw cause;
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new KoboldError("disk_failed", `the mirror cannot be read: ${said}`, { cause });
    }
  }
}
