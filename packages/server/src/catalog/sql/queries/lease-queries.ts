import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orIgnore } from "../insert-or-update.js";
import { prepareQuery } from "../prepared-query.js";

export interface LeaseClaim {
  name: string;
  holder: string;
  ttlMs: number;
}

export function createLeaseQueries(db: CatalogKysely, dialect: SqlDialect) {
  return {
    /** Takes over a claim that is the holder's own or has run out: one row affected. */
    renew: prepareQuery<LeaseClaim, unknown>("renew_lease", (slot) =>
      db
        .updateTable("leases")
        .set((eb) => ({ holder: slot("holder"), until_ms: eb(dialect.nowMs, "+", slot("ttlMs")) }))
        .where("name", "=", slot("name"))
        .where((eb) => eb.or([eb("holder", "=", slot("holder")), eb("until_ms", "<=", dialect.nowMs)])),
    ),
    /** Makes the first claim: one row affected, or none when there is one already. */
    claim: prepareQuery<LeaseClaim, unknown>("claim_lease", (slot) =>
      orIgnore(
        dialect,
        db.insertInto("leases").values((eb) => ({
          ...{ name: slot("name"), holder: slot("holder"), until_ms: eb(dialect.nowMs, "+", slot("ttlMs")) },
        })),
      ),
    ),
    release: prepareQuery<{ name: string; holder: string }, unknown>("release_lease", (slot) =>
      db.deleteFrom("leases").where("name", "=", slot("name")).where("holder", "=", slot("holder")),
    ),
  };
}
