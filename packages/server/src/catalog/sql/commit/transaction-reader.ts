import type { FileRecord } from "../../../model/change.js";
import type { CommitView, NamespaceRow, ViewNeeds } from "../../../model/commit-view.js";
import type { TransactionRow } from "../../../model/transaction.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import { type FileRow, parseFileRow } from "../queries/file-queries.js";
import { parseNamespaceRow } from "../queries/namespace-queries.js";
import { parseLockRow } from "../queries/lock-queries.js";
import { parseStagedRow } from "../queries/staged-queries.js";
import { parseTransactionRow } from "../queries/transaction-queries.js";
import type { SqlConnection, SqlStatement } from "../sql-connection.js";
import type { ResultReader } from "./result-reader.js";

export type TransactionStatements = ReturnType<typeof formatTransactionStatements>;

/** What of transactions a commit decides on: for most commits only whether its keys are held by one. */
export function formatTransactionStatements({ locks, staged, transactions }: CatalogQueries, needs: ViewNeeds) {
  const { ids, unfinished, whole, staged: keys } = needs.transactions;
  const ofEach = <Row>(query: (values: { id: string }) => SqlStatement<Row>) => whole.map((id) => query({ id }));
  return {
    rows: [...transactions.find(ids), ...(unfinished ? [transactions.listUnfinished({})] : [])],
    staged: [...staged.find(keys), ...ofEach(staged.listOf)],
    files: ofEach(staged.listFilesOf),
    namespaces: ofEach(staged.listNamespacesOf),
    locks: [
      ...locks.find(needs.files),
      ...ofEach(locks.findOf),
      ...needs.lockedRanges.map(({ namespace, prefix }) => locks.findFrom({ namespace, from: prefix })),
    ],
  };
}

export function listTransactionStatements(statements: TransactionStatements): SqlStatement[] {
  const { rows, staged, files, namespaces, locks } = statements;
  return [...rows, ...staged, ...files, ...namespaces, ...locks];
}

/**
 * What prepared transactions reserve matters where a quota is: few namespaces have one, and all others are spared the
 * question.
 */
export async function readReserving(
  connection: SqlConnection,
  { transactions }: CatalogQueries,
  { needs, namespaces }: { needs: ViewNeeds; namespaces: readonly NamespaceRow[] },
): Promise<TransactionRow[]> {
  const hasQuota = namespaces.some(({ policy }) => policy.maxFiles !== undefined || policy.maxBytes !== undefined);
  if (!hasQuota || !needs.transactions.reserving) return [];
  return (await connection.run(transactions.listReserving({}))).rows.map(parseTransactionRow);
}

interface TransactionView extends Pick<CommitView, "transactions" | "staged" | "locks"> {
  readonly files: readonly FileRecord[];
  readonly namespaces: readonly NamespaceRow[];
}

export function readTransactions(reader: ResultReader, statements: TransactionStatements): TransactionView {
  return {
    transactions: reader.take(statements.rows).map(parseTransactionRow),
    staged: reader.take(statements.staged).map(parseStagedRow),
    files: reader.take<FileRow>(statements.files).map(parseFileRow),
    namespaces: reader.take(statements.namespaces).map(parseNamespaceRow),
    locks: reader.take(statements.locks).map(parseLockRow),
  };
}
