import { type FileKey, KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type { FileRecord, FormerVersion, Moment } from "../../model/change.js";
import type { NamespaceRow } from "../../model/commit-view.js";
import { isExpired } from "../../model/commit-draft.js";
import type { JournalEntry } from "../../model/journal-entry.js";
import { parseJournalGroup } from "../../model/journal-group.js";
import { compareKeys, findPrefixSuccessor } from "../../model/key-order.js";
import { toNamespaceHorizon } from "../../model/plan-horizon.js";
import type {
  DeletedPage,
  HistoryCatalog,
  KeyVersion,
  ListPage,
  ListQuery,
  NamespaceHorizon,
  VersionPage,
} from "../catalog.js";
import { toBuffer, toInteger } from "./column-values.js";
import { checkListQuery, listPage, type ReadRange } from "./list-files.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { parseHeadRow } from "./queries/cluster-queries.js";
import { parseFileRow } from "./queries/file-queries.js";
import { parseNamespaceRow } from "./queries/namespace-queries.js";
import { parseVersionRow } from "./queries/version-queries.js";
import type { SqlRunner, SqlStatement } from "./sql-connection.js";

/**
 * Reads of the past: what `files` holds since before the moment, and what `versions` held over it. The horizon is looked
 * at last: whatever pruning removed while we read, it had moved before.
 */
export class SqlHistory implements HistoryCatalog {
  readonly #queries: CatalogQueries;
  readonly #runner: SqlRunner;

  constructor({ queries, runner }: { queries: CatalogQueries; runner: SqlRunner }) {
    this.#queries = queries;
    this.#runner = runner;
  }

  async getMoment(at: { number: number } | { timeMs: number } | { ageMs: number }): Promise<Moment> {
    return "number" in at ? this.#momentOf(at.number) : this.#momentAt(at);
  }

  async listHorizons(): Promise<NamespaceHorizon[]> {
    const rows = (await this.#read([this.#queries.namespaces.list({})])).map(parseNamespaceRow);
    return rows.map(toNamespaceHorizon);
  }

  async hasHistory(namespace: NamespaceName, horizon: number): Promise<boolean> {
    return (await this.#read([this.#queries.versions.listEnded({ namespace, horizon, limit: 1 })])).length > 0;
  }

  async #momentOf(number: number): Promise<Moment> {
    const [group] = await this.#read([this.#queries.journal.findGroupOf({ number })]);
    if (number === 0) return { number, timeMs: 0 };
    if (group === undefined) throw new KoboldError("invalid_request", `the journal has not come to ${number} yet`);
    const { entries, timeMs } = parseJournalGroup(toBuffer(group.bytes));
    return { number: endOfTransaction(entries, number), timeMs };
  }

  async #momentAt(at: { timeMs: number } | { ageMs: number }): Promise<Moment> {
    const [head] = await this.#read([this.#queries.cluster.readHead({})]);
    if (head === undefined) throw new KoboldError("internal", "the catalog has no cluster row");
    const { nowMs } = parseHeadRow(head);
    const timeMs = "timeMs" in at ? at.timeMs : nowMs - at.ageMs;
    if (timeMs > nowMs) throw new KoboldError("invalid_request", "that time has not come yet");
    const [group] = await this.#read([this.#queries.journal.findGroupAt({ timeMs })]);
    return { number: toInteger(group?.last ?? 0), timeMs };
  }

  async findFileAsOf(namespace: NamespaceName, key: FileKey, at: Moment): Promise<FileRecord | undefined> {
    const [[current], [former]] = [
      await this.#read(this.#queries.files.find([{ namespace, key }])),
      await this.#read([this.#queries.versions.findAsOf({ namespace, key, number: at.number })]),
    ];
    await this.#checkMoment(namespace, at);
    const file = current && parseFileRow(current);
    const then = file !== undefined && file.version <= at.number ? file : former && parseFileRow(former);
    return then === undefined || isExpired(then, at.timeMs) ? undefined : then;
  }

  async listFilesAsOf(namespace: NamespaceName, query: ListQuery, at: Moment): Promise<ListPage> {
    const read: ReadRange = async (range) => {
      const current = await this.#read([this.#queries.files.listAsOf({ namespace, ...range }, { ...at })]);
      const former = await this.#read([this.#queries.versions.listAsOf({ namespace, ...range }, { ...at })]);
      return [...current, ...former]
        .map(parseFileRow)
        .sort((a, b) => compareKeys(a.key, b.key))
        .slice(0, range.limit);
    };
    const page = await listPage(query, read);
    await this.#checkMoment(namespace, at);
    return page;
  }

  async findVersion(namespace: NamespaceName, key: FileKey, version: number): Promise<FileRecord | undefined> {
    const [current] = await this.#read(this.#queries.files.findLive([{ namespace, key }]));
    const [former] = await this.#read(this.#queries.versions.find([{ namespace, key, version }]));
    const { horizon } = await this.#getNamespace(namespace);
    const file = current && parseFileRow(current);
    if (file?.version === version) return file;
    return former && toInteger(former.superseded_by) > horizon ? parseFileRow(former) : undefined;
  }

  async listVersions(
    namespace: NamespaceName,
    key: FileKey,
    { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number },
  ): Promise<VersionPage> {
    checkListQuery({ limit });
    const { horizon } = await this.#getNamespace(namespace);
    const [current] = await this.#read(this.#queries.files.findLive([{ namespace, key }]));
    const history = { namespace, key, before, horizon, limit: limit + 1 };
    const formers = (await this.#read([this.#queries.versions.listOfKey(history)])).map(parseVersionRow);
    const newest = current === undefined ? undefined : parseFileRow(current);
    const files: FileRecord[] = newest !== undefined && newest.version < before ? [newest, ...formers] : formers;
    const page = files.slice(0, limit);
    const last = page.at(-1);
    const versions = withTombstones(page, before);
    return files.length > limit && last !== undefined ? { versions, next: last.version } : { versions };
  }

  async listDeleted(namespace: NamespaceName, query: Omit<ListQuery, "delimiter">): Promise<DeletedPage> {
    checkListQuery(query);
    const { horizon } = await this.#getNamespace(namespace);
    const { prefix = "", after = "", limit } = query;
    const isBehind = compareKeys(after, prefix) >= 0 && after !== "";
    const start = isBehind ? { from: after, isFromIncluded: false } : { from: prefix, isFromIncluded: true };
    const range = { namespace, ...start, to: findPrefixSuccessor(prefix), limit: limit + 1 };
    const rows = await this.#read([this.#queries.versions.listDeleted(range, { horizon })]);
    const files = rows.map(parseVersionRow);
    const page = files.slice(0, limit);
    const last = page.at(-1);
    return files.length > limit && last !== undefined ? { files: page, next: last.key } : { files: page };
  }

  async #checkMoment(namespace: NamespaceName, { number }: Moment): Promise<void> {
    const { horizon } = await this.#getNamespace(namespace);
    if (number >= horizon) return;
    throw new KoboldError("history_gone", `the history of ${namespace} begins at ${horizon}, not ${number}`);
  }

  async #getNamespace(name: NamespaceName): Promise<NamespaceRow> {
    const [row] = await this.#read(this.#queries.namespaces.find([name]));
    if (row === undefined) throw new KoboldError("namespace_not_found", `there is no namespace ${name}`);
    return parseNamespaceRow(row);
  }

  async #read<Row>(statements: readonly SqlStatement<Row>[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (const statement of statements) rows.push(...(await this.#runner.run(statement)).rows);
    return rows;
  }
}

/** What a transaction did became current at once: the number of any of its changes means all of them. */
function endOfTransaction(entries: readonly JournalEntry[], number: number): number {
  const commit = entries.find((entry) => {
    return entry.kind === "commit" && entry.number <= number && number < entry.number + entry.span;
  });
  return commit?.kind === "commit" ? commit.number + commit.span : number;
}

/** Where content ended and no other followed, the key named nothing: after a delete, a purge, or a purged version. */
function withTombstones(files: readonly (FileRecord | FormerVersion)[], before: number): KeyVersion[] {
  let next = before;
  return files.flatMap((file) => {
    const versions: KeyVersion[] = [{ kind: "content", file }];
    if ("supersededBy" in file && file.supersededBy < next) {
      versions.unshift({ kind: "tombstone", version: file.supersededBy, modified: new Date(file.supersededMs) });
    }
    next = file.version;
    return versions;
  });
}
