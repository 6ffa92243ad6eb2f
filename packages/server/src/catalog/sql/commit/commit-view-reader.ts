import type { Change } from "../../../model/change.js";
import { type CommitView, type KnownHistory, listViewNeeds } from "../../../model/commit-view.js";
import type { SqlDialect } from "../dialect.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import { parseHeadRow } from "../queries/cluster-queries.js";
import { type FileRow, parseFileRow } from "../queries/file-queries.js";
import { parseNamespaceRow } from "../queries/namespace-queries.js";
import { parseNodeRow } from "../queries/node-queries.js";
import { parseRecordedRow } from "../queries/outcome-queries.js";
import type { SqlConnection, SqlResult, SqlStatement } from "../sql-connection.js";

/**
 * Opens a transaction, takes the journal's lock, and reads what the changes are decided on. One round trip where the
 * engine takes several statements at once: every statement sees what was committed before *it* began, and those behind
 * the lock begin when the lock is held.
 */
export async function readViewUnderLock(
  connection: SqlConnection,
  { dialect, queries, known: _ }: { dialect: SqlDialect; queries: CatalogQueries; known: KnownHistory | undefined },
  changes: readonly Change[],
): Promise<CommitView> {
  const needs = listViewNeeds(changes);
  const lock = [...dialect.begin, queries.cluster.lock({})];
  const head = [queries.cluster.readHead({})];
  const nodes = [queries.nodes.list({})];
  const files = queries.files.find(needs.files);
  const namespaces = queries.namespaces.find(needs.namespaces);
  const recorded = queries.outcomes.findRecorded(needs.idempotencyKeys);
  const results = await connection.runAll([...lock, ...head, ...nodes, ...files, ...namespaces, ...recorded]);
  const reader = new ResultReader(results.slice(lock.length));
  const [headRow] = reader.take(head);
  if (headRow === undefined) throw new Error("the catalog has no cluster row");
  return {
    ...parseHeadRow(headRow),
    nodes: reader.take(nodes).map(parseNodeRow),
    files: reader.take<FileRow>(files).map(parseFileRow),
    namespaces: reader.take(namespaces).map(parseNamespaceRow),
    recorded: reader.take(recorded).map(parseRecordedRow),
  };
}

/** Gives the results back in the order in which the statements were given. */
class ResultReader {
  readonly #results: readonly SqlResult<unknown>[];
  #index = 0;

  constructor(results: readonly SqlResult<unknown>[]) {
    this.#results = results;
  }

  take<Row>(statements: readonly SqlStatement<Row>[]): Row[] {
    const end = this.#index + statements.length;
    const rows = this.#results.slice(this.#index, end).flatMap((result) => result.rows as readonly Row[]);
    this.#index = end;
    return rows;
  }
}
