import type { CommitWitness } from "../commit-witness.js";
import type { CatalogWriter } from "./catalog-writer.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import type { SqlRunner } from "./sql-connection.js";

/** What an engine gives a catalog in SQL. */
export interface SqlCatalogParts {
  readonly clusterId: string;
  readonly engine: string;
  readonly queries: CatalogQueries;
  /** For reads. */
  readonly runner: SqlRunner;
  readonly writer: CatalogWriter;
  /** Whether lookups that come together shall go to the database together. */
  readonly gathersLookups: boolean;
  readonly witness?: CommitWitness | undefined;
  /** Ends what the parts above stand on. */
  readonly release: () => Promise<void>;
}
