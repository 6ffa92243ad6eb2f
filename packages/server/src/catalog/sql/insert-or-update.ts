import { type InsertQueryBuilder, type InsertResult, sql } from "kysely";
import type { SqlDialect } from "./dialect.js";
import type { CatalogTables } from "./schema.js";

/** Which columns find the row, and which are overwritten when it is there. */
export interface UpsertColumns<Table extends keyof CatalogTables> {
  readonly key: readonly (keyof CatalogTables[Table] & string)[];
  readonly update: readonly (keyof CatalogTables[Table] & string)[];
}

type Insert<Table extends keyof CatalogTables> = InsertQueryBuilder<CatalogTables, Table, InsertResult>;

/** Completes an insert so that a row that is there already is overwritten in the columns named. */
export function orUpdate<Table extends keyof CatalogTables>(
  dialect: SqlDialect,
  insert: Insert<Table>,
  columns: UpsertColumns<Table>,
): Insert<Table> {
  if (dialect.capabilities.upsert === "on-conflict") {
    const set = columns.update.map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`);
    const key = columns.key.map((column) => sql.ref(column));
    return insert.modifyEnd(sql`on conflict (${sql.join(key)}) do update set ${sql.join(set)}`) as Insert<Table>;
  }
  const set = columns.update.map((column) => sql`${sql.ref(column)} = values(${sql.ref(column)})`);
  return insert.modifyEnd(sql`on duplicate key update ${sql.join(set)}`) as Insert<Table>;
}

/** Completes an insert so that a row that is there already is left as it is; `affected` tells which it was. */
export function orIgnore<Table extends keyof CatalogTables>(dialect: SqlDialect, insert: Insert<Table>): Insert<Table> {
  if (dialect.capabilities.upsert === "on-conflict") return insert.onConflict((conflict) => conflict.doNothing());
  return insert.ignore();
}
