import type { ExpressionBuilder } from "kysely";
import type { CatalogKysely } from "../dialect.js";
import type { CatalogTables } from "../schema.js";
import { type AsOf, notExpired, prepareRanges } from "./key-ranges.js";
import { VERSION_COLUMNS, type VersionRow } from "./version-queries.js";

/** Former versions by stretches of keys. */
export function createVersionRanges(db: CatalogKysely) {
  const select = () => db.selectFrom("versions").select(VERSION_COLUMNS);
  return {
    /** Content that was current as of the moment and is not any more. */
    listAsOf: prepareRanges<AsOf, VersionRow>("list_versions_as_of", (bound, slot) =>
      bound(
        select()
          .where("number", "<=", slot("number"))
          .where("superseded_by", ">", slot("number"))
          .where(notExpired("versions", slot("timeMs"))),
      ),
    ),
    /** As `listAsOf`, whether it had expired by then or not. */
    listStoredAsOf: prepareRanges<{ number: number }, VersionRow>("list_stored_versions_as_of", (bound, slot) =>
      bound(select().where("number", "<=", slot("number")).where("superseded_by", ">", slot("number"))),
    ),
    /** The last content of each key that has a history above the horizon and is no file. */
    listDeleted: prepareRanges<{ horizon: number }, VersionRow>("list_deleted", (bound, slot) =>
      bound(select().where("superseded_by", ">", slot("horizon")).where(hasNoSuccessor)),
    ),
  };
}

/** That neither a later version of the key nor a file follows. */
function hasNoSuccessor(eb: ExpressionBuilder<CatalogTables, "versions">) {
  const newer = eb
    .selectFrom("versions as newer")
    .select("newer.number")
    .whereRef("newer.namespace", "=", "versions.namespace")
    .whereRef("newer.key", "=", "versions.key")
    .whereRef("newer.number", ">", "versions.number");
  const file = eb
    .selectFrom("files")
    .select("files.number")
    .whereRef("files.namespace", "=", "versions.namespace")
    .whereRef("files.key", "=", "versions.key");
  return eb.and([eb.not(eb.exists(newer)), eb.not(eb.exists(file))]);
}
