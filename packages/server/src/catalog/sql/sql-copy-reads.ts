import type { NodeId } from "@koboldfs/protocol";
import type { BlobName, VersionRef } from "../../model/commit-view.js";
import type { BlobCount, BlobSpot, CopyCatalog, OwedQuestion, StoredBlobRecord } from "../catalog.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { formatSpot, parseCountRow, parseStoredBlobRow } from "./queries/copy-queries.js";
import { parseBlobName, parseNameRow } from "./queries/reference-queries.js";
import type { SqlRunner, SqlStatement } from "./sql-connection.js";

/** What a catalog in SQL knows of blobs: how many there are, who names them, who lacks them. */
export class SqlCopyReads implements CopyCatalog {
  readonly #queries: CatalogQueries;
  readonly #runner: SqlRunner;

  constructor({ queries, runner }: { queries: CatalogQueries; runner: SqlRunner }) {
    this.#queries = queries;
    this.#runner = runner;
  }

  async countOwed(question: OwedQuestion): Promise<BlobCount> {
    return parseCountRow((await this.#read([this.#queries.copies.countOwed(question)]))[0]);
  }

  async listOwed(question: OwedQuestion, limit: number): Promise<StoredBlobRecord[]> {
    return (await this.#read([this.#queries.copies.listOwed(question, limit)])).map(parseStoredBlobRow);
  }

  async listOwedBy(node: NodeId, blobs: readonly BlobName[]): Promise<BlobName[]> {
    return (await this.#read(this.#queries.debts.listOwedBy(node, blobs))).map(parseBlobName);
  }

  async countBlobs(): Promise<BlobCount> {
    return parseCountRow((await this.#read([this.#queries.copies.countBlobs({})]))[0]);
  }

  async countVersions(): Promise<BlobCount> {
    return parseCountRow((await this.#read([this.#queries.versions.count()]))[0]);
  }

  async listNamesOf(blob: BlobName, limit: number): Promise<VersionRef[]> {
    return (await this.#read([this.#queries.references.listNames(blob, limit)])).map(parseNameRow);
  }

  async listBlobs(range: { after: BlobSpot; until: string; limit: number }): Promise<StoredBlobRecord[]> {
    const values = formatSpot(range.after, range.until, range.limit);
    return (await this.#read([this.#queries.copies.listBlobs(values)])).map(parseStoredBlobRow);
  }

  async #read<Row>(statements: readonly SqlStatement<Row>[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (const statement of statements) rows.push(...(await this.#runner.run(statement)).rows);
    return rows;
  }
}
