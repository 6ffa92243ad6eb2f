import { randomBytes } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";
import { formatGenesisHash } from "../../model/journal-group.js";
import { fromHex, toInteger } from "./column-values.js";
import { createQueryBuilder, type SqlDialect } from "./dialect.js";
import { orIgnore } from "./insert-or-update.js";
import { buildMigrationsTable, MIGRATIONS } from "./migrations.js";
import { compileQuery } from "./prepared-query.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { parseClusterId } from "./queries/cluster-queries.js";
import type { SqlConnection } from "./sql-connection.js";

export interface CatalogPreparation {
  readonly connection: SqlConnection;
  readonly dialect: SqlDialect;
  readonly queries: CatalogQueries;
}

/**
 * Brings the schema to this version and answers the cluster's id, which the first opener makes. Any number of nodes
 * may do this at once. Throws `catalog_schema_unknown` when a newer version has been here.
 */
export async function prepareCatalog(preparation: CatalogPreparation): Promise<string> {
  const { connection, dialect, queries } = preparation;
  await dialect.withMigrationLock(connection, () => migrate(preparation));
  const clusterId = randomBytes(16).toString("hex");
  await connection.run(queries.cluster.create({ clusterId, genesis: fromHex(formatGenesisHash(clusterId)) }));
  const [row] = (await connection.run(queries.cluster.findClusterId({}))).rows;
  if (row === undefined) throw new KoboldError("internal", "the catalog has no cluster row");
  return parseClusterId(row);
}

async function migrate({ connection, dialect }: CatalogPreparation): Promise<void> {
  const db = createQueryBuilder(dialect);
  await connection.run(compileQuery(buildMigrationsTable(db, dialect)));
  const { rows } = await connection.run(compileQuery(db.selectFrom("migrations").select("number").orderBy("number")));
  const taken = new Set(rows.map((row) => toInteger(row.number)));
  const newest = MIGRATIONS.length;
  const unknown = [...taken].find((number) => number > newest);
  if (unknown !== undefined) {
    throw new KoboldError("catalog_schema_unknown", `the schema has step ${unknown}; this version knows ${newest}`);
  }
  for (const step of MIGRATIONS.filter(({ number }) => !taken.has(number))) {
    await runUnlessThere(connection, dialect, compileQuery(step.build(db, dialect)));
    const row = { number: step.number, applied_ms: dialect.nowMs };
    await connection.run(compileQuery(orIgnore(dialect, db.insertInto("migrations").values(row))));
  }
}

async function runUnlessThere(connection: SqlConnection, dialect: SqlDialect, statement: { sql: string; parameters: readonly unknown[] }) {
  try {
    await connection.run(statement);
  } catch (error) {
    if (dialect.classify(error) !== "exists") throw error;
  }
}

/** Throws `catalog_not_durable` when the engine is set so that it can lose a commit. */
export async function checkDurability({ connection, dialect }: CatalogPreparation): Promise<void> {
  const problems = await dialect.findDurabilityProblems(connection);
  if (problems.length > 0) throw new KoboldError("catalog_not_durable", problems.join("; "));
}
