import { randomBytes } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";
import { formatGenesisHash } from "../../model/journal-group.js";
import { crashPoint } from "../../runtime/crash-points.js";
import { fromHex, toInteger } from "./column-values.js";
import { createQueryBuilder, type SqlDialect } from "./dialect.js";
import { orIgnore } from "./insert-or-update.js";
import { buildMigrationsTable, MIGRATIONS, type MigrationStep } from "./migrations.js";
import { compileQuery } from "./prepared-query.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { parseClusterId } from "./queries/cluster-queries.js";
import type { SqlConnection } from "./sql-connection.js";

export interface CatalogPreparation {
  readonly connection: SqlConnection;
  readonly dialect: SqlDialect;
  readonly queries: CatalogQueries;
  /** The id that a new database gets; a random one by default. A mirror has that of its catalog. */
  readonly clusterId?: string;
}

/**
 * Brings the schema to this version and answers the cluster's id, which the first opener makes. Any number of nodes
 * may do this at once. Throws `catalog_schema_unknown` when a newer version has been here.
 */
export async function prepareCatalog(preparation: CatalogPreparation): Promise<string> {
  const { connection, dialect } = preparation;
  // A schema that is there needs no lock: a node can start while another one keeps the catalog busy.
  const isThere = (await findMissingSteps(preparation))?.length === 0;
  if (!isThere) await dialect.withMigrationLock(connection, () => migrate(preparation));
  return (await findClusterId(preparation)) ?? createCluster(preparation);
}

async function findClusterId({ connection, queries }: CatalogPreparation): Promise<string | undefined> {
  const [row] = (await connection.run(queries.cluster.findClusterId({}))).rows;
  return row && parseClusterId(row);
}

async function createCluster(preparation: CatalogPreparation): Promise<string> {
  const { connection, queries } = preparation;
  const clusterId = preparation.clusterId ?? randomBytes(16).toString("hex");
  await connection.run(queries.cluster.create({ clusterId, genesis: fromHex(formatGenesisHash(clusterId)) }));
  const created = await findClusterId(preparation);
  if (created === undefined) throw new KoboldError("internal", "the catalog has no cluster row");
  return created;
}

async function migrate(preparation: CatalogPreparation): Promise<void> {
  const { connection, dialect } = preparation;
  const db = createQueryBuilder(dialect);
  await connection.run(compileQuery(buildMigrationsTable(db, dialect)));
  for (const step of (await findMissingSteps(preparation)) ?? []) {
    crashPoint("migration.step.before");
    await runUnlessThere(connection, dialect, compileQuery(step.build(db, dialect)));
    crashPoint("migration.step.done");
    const row = { number: step.number, applied_ms: dialect.nowMs };
    await connection.run(compileQuery(orIgnore(dialect, db.insertInto("migrations").values(row))));
    crashPoint("migration.step.noted");
  }
}

/** Undefined: nobody ever migrated this database. */
async function findMissingSteps({ connection, dialect }: CatalogPreparation): Promise<MigrationStep[] | undefined> {
  const taken = await findTakenSteps(connection, dialect);
  if (taken === undefined) return undefined;
  const newest = MIGRATIONS.length;
  const unknown = [...taken].find((number) => number > newest);
  if (unknown !== undefined) {
    throw new KoboldError("catalog_schema_unknown", `the schema has step ${unknown}; this version knows ${newest}`);
  }
  return MIGRATIONS.filter(({ number }) => !taken.has(number));
}

async function findTakenSteps(connection: SqlConnection, dialect: SqlDialect): Promise<Set<number> | undefined> {
  const query = createQueryBuilder(dialect).selectFrom("migrations").select("number");
  try {
    const { rows } = await connection.run(compileQuery(query));
    return new Set(rows.map((row) => toInteger(row.number)));
  } catch (error) {
    // There is no portable way to ask for a table: a statement that names it is refused.
    if (dialect.classify(error) === "refused") return undefined;
    throw error;
  }
}

async function runUnlessThere(
  connection: SqlConnection,
  dialect: SqlDialect,
  statement: { sql: string; parameters: readonly unknown[] },
) {
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
