import type { Change } from "../../../model/change.js";
import { type CommitView, type KnownHistory, listViewNeeds } from "../../../model/commit-view.js";
import type { Clock } from "../../../runtime/clock.js";
import type { SqlDialect } from "../dialect.js";
import { toHex } from "../column-values.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import { parseHeadRow } from "../queries/cluster-queries.js";
import { type FileRow, parseFileRow } from "../queries/file-queries.js";
import { parseNamespaceRow } from "../queries/namespace-queries.js";
import { parseNodeRow } from "../queries/node-queries.js";
import { parseRecordedRow } from "../queries/outcome-queries.js";
import { parsePurgeRow } from "../queries/purge-queries.js";
import type { SqlConnection } from "../sql-connection.js";
import { formatHistoryStatements, listHistoryStatements, readHistory } from "./history-reader.js";
import { ResultReader } from "./result-reader.js";
import {
  formatTransactionStatements,
  listTransactionStatements,
  readReserving,
  readTransactions,
} from "./transaction-reader.js";

/**
 * Opens a transaction, takes the journal's lock, and reads what the changes are decided on. One round trip where the
 * engine takes several statements at once, and a second where a namespace has a quota: every statement sees what was
 * committed before *it* began, and those behind the lock begin when the lock is held.
 */
export async function readViewUnderLock(
  connection: SqlConnection,
  {
    dialect,
    queries,
    clock,
    known,
  }: { dialect: SqlDialect; queries: CatalogQueries; clock: Clock; known: KnownHistory | undefined },
  changes: readonly Change[],
): Promise<CommitView> {
  const needs = listViewNeeds(changes);
  const lock = [...dialect.begin, queries.cluster.lock({})];
  const head = [queries.cluster.readHead({})];
  const nodes = [queries.nodes.list({})];
  const files = queries.files.find(needs.files);
  const namespaces = queries.namespaces.find(needs.namespaces);
  const recorded = queries.outcomes.findRecorded(needs.idempotencyKeys);
  const hashes = known === undefined ? [] : [queries.journal.findGroupHash({ last: known.number })];
  const purges = queries.purges.findOfBlobs(needs.blobs);
  const history = formatHistoryStatements(queries, needs);
  const ofTransactions = formatTransactionStatements(queries, needs);
  const statements = [...lock, ...head, ...nodes, ...files, ...namespaces, ...recorded, ...hashes, ...purges];
  const more = [...listHistoryStatements(history), ...listTransactionStatements(ofTransactions)];
  const results = await connection.runAll([...statements, ...more]);
  const reader = new ResultReader(results.slice(lock.length));
  const [headRow] = reader.take(head);
  if (headRow === undefined) throw new Error("the catalog has no cluster row");
  const view = {
    ...parseHeadRow(headRow),
    nodes: reader.take(nodes).map(parseNodeRow),
    files: reader.take<FileRow>(files).map(parseFileRow),
    namespaces: reader.take(namespaces).map(parseNamespaceRow),
    recorded: reader.take(recorded).map(parseRecordedRow),
    hashAtKnown: reader.take(hashes).map(({ hash }) => toHex(hash))[0],
    purges: reader.take(purges).map(parsePurgeRow),
    ...readHistory(reader, history),
  };
  const { files: keys, namespaces: spaces, transactions, ...rest } = readTransactions(reader, ofTransactions);
  const all = [...view.namespaces, ...spaces];
  const reserving = await readReserving(connection, queries, { needs, namespaces: all });
  return {
    ...{ ...view, ...rest, files: [...view.files, ...keys], namespaces: all },
    transactions: [...transactions, ...reserving],
    // Read last: it must not be older than the lock.
    monotonicMs: clock.monotonic(),
  };
}
