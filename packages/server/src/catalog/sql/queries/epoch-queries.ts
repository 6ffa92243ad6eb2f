import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orIgnore } from "../insert-or-update.js";
import { prepareQuery } from "../prepared-query.js";
import type { SqlInteger } from "../schema.js";

/** Where an epoch of the catalog began. */
export interface EpochRow {
  epoch: number;
  number: number;
  hash: Uint8Array;
  timeMs: number;
}

export function createEpochQueries(db: CatalogKysely, dialect: SqlDialect) {
  return {
    find: prepareQuery<object, { epoch: SqlInteger | null }>("find_epoch", () =>
      db.selectFrom("epochs").select((eb) => eb.fn.max<SqlInteger | null>("epoch").as("epoch")),
    ),
    remove: prepareQuery<{ epoch: number }, unknown>("remove_epoch", (slot) =>
      db.deleteFrom("epochs").where("epoch", "=", slot("epoch")),
    ),
    insert: prepareQuery<EpochRow, unknown>("insert_epoch", (slot) =>
      orIgnore(
        dialect,
        db
          .insertInto("epochs")
          .values({ epoch: slot("epoch"), number: slot("number"), hash: slot("hash"), time_ms: slot("timeMs") }),
      ),
    ),
  };
}
