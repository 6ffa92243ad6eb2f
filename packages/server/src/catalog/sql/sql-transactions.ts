import type { FileKey, NamespaceName, NodeId, TransactionState } from "@koboldfs/protocol";
import type { FileRecord } from "../../model/change.js";
import { overlayStaged, type StagedRange } from "../../model/overlay-staged.js";
import type { KeyLock, StagedChange } from "../../model/staged-change.js";
import type { TransactionId, TransactionRow } from "../../model/transaction.js";
import type { BlobCount, ListPage, ListQuery, TransactionCatalog, TransactionPage } from "../catalog.js";
import { checkListQuery, listPage } from "./list-files.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { parseCountRow } from "./queries/copy-queries.js";
import { parseFileRow } from "./queries/file-queries.js";
import { parseLockRow } from "./queries/lock-queries.js";
import { parseStagedRow } from "./queries/staged-queries.js";
import { parseTransactionRow } from "./queries/transaction-queries.js";
import type { SqlRunner, SqlStatement } from "./sql-connection.js";

/** What is read of transactions. */
export class SqlTransactions implements Omit<TransactionCatalog, "renewTransaction" | "pruneTransactions"> {
  readonly #queries: CatalogQueries;
  readonly #runner: SqlRunner;

  constructor({ queries, runner }: { queries: CatalogQueries; runner: SqlRunner }) {
    this.#queries = queries;
    this.#runner = runner;
  }

  async findTransaction(id: TransactionId): Promise<TransactionRow | undefined> {
    const [row] = await this.#read(this.#queries.transactions.find([id]));
    return row && parseTransactionRow(row);
  }

  async listTransactions(query: { state?: TransactionState; after?: string; limit: number }): Promise<TransactionPage> {
    const { state, after = "", limit } = query;
    checkListQuery({ limit, after });
    const { list, listInState } = this.#queries.transactions;
    const page = { after, limit: limit + 1 };
    const rows = await this.#read([state === undefined ? list(page) : listInState({ ...page, state })]);
    const transactions = rows.slice(0, limit).map(parseTransactionRow);
    const last = transactions.at(-1);
    return rows.length > limit && last !== undefined ? { transactions, next: last.id } : { transactions };
  }

  async listUnfinishedTransactions(): Promise<TransactionRow[]> {
    return (await this.#read([this.#queries.transactions.listUnfinished({})])).map(parseTransactionRow);
  }

  async listExpiredTransactions(limit: number): Promise<TransactionRow[]> {
    return (await this.#read([this.#queries.transactions.listExpired({ limit })])).map(parseTransactionRow);
  }

  async listStaged(id: TransactionId, limit: number): Promise<StagedChange[]> {
    return (await this.#read([this.#queries.staged.listFirstOf({ id, limit })])).map(parseStagedRow);
  }

  async findStaged(id: TransactionId, namespace: NamespaceName, key: FileKey): Promise<StagedChange | undefined> {
    const [row] = await this.#read(this.#queries.staged.find([{ transaction: id, namespace, key }]));
    return row && parseStagedRow(row);
  }

  listFilesIn(id: TransactionId, namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    const { files, staged } = this.#queries;
    const readFiles = async (range: StagedRange): Promise<FileRecord[]> => {
      return (await this.#read([files.list({ namespace, ...range }, {})])).map(parseFileRow);
    };
    const readStaged = async (range: StagedRange): Promise<StagedChange[]> => {
      return (await this.#read([staged.list({ namespace, ...range }, { id })])).map(parseStagedRow);
    };
    return listPage(query, (range) => overlayStaged(range, { readFiles, readStaged }));
  }

  async findLock(namespace: NamespaceName, key: FileKey): Promise<KeyLock | undefined> {
    const [row] = await this.#read(this.#queries.locks.find([{ namespace, key }]));
    return row && parseLockRow(row);
  }

  async countStagedOn(node: NodeId, which: "any" | "sole"): Promise<BlobCount> {
    const pattern = which === "any" ? `%"${node}"%` : JSON.stringify([node]);
    return parseCountRow((await this.#read([this.#queries.staged.countPlacedOn({ pattern })]))[0]);
  }

  async #read<Row>(statements: readonly SqlStatement<Row>[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (const statement of statements) rows.push(...(await this.#runner.run(statement)).rows);
    return rows;
  }
}
