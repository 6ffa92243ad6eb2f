import type { NamespaceName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { FormerVersion } from "../../../model/change.js";
import type { FileRef, VersionRef } from "../../../model/commit-view.js";
import { toInteger, toText } from "../column-values.js";
import type { CatalogKysely } from "../dialect.js";
import { compileQuery, prepareQuery, prepareRows } from "../prepared-query.js";
import type { SqlInteger, SqlText, VersionsTable } from "../schema.js";
import type { SqlStatement } from "../sql-connection.js";
import type { StoredCount } from "./copy-queries.js";
import { FILE_COLUMNS, formatFileRow, parseFileRow } from "./file-queries.js";

export type VersionRow = Selectable<VersionsTable>;

const KEY_COLUMNS = ["namespace", "key", "number"] as const;
export const VERSION_COLUMNS = [...FILE_COLUMNS, "superseded_by", "superseded_ms"] as const;

type VersionKey = { namespace: string; key: string; number: number };
/** The versions of one key below a number, of which no more than the horizon lets see. */
type KeyHistory = { namespace: string; key: string; before: number; horizon: number; limit: number };

export function createVersionQueries(db: CatalogKysely) {
  const select = () => db.selectFrom("versions").select(VERSION_COLUMNS);
  const find = prepareRows<VersionKey, VersionRow>("find_versions", KEY_COLUMNS, (keys) =>
    select().where((eb) => eb.or(keys.map((key) => eb.and(key)))),
  );
  const remove = prepareRows<VersionKey, unknown>("remove_versions", KEY_COLUMNS, (keys) =>
    db.deleteFrom("versions").where((eb) => eb.or(keys.map((key) => eb.and(key)))),
  );
  const put = prepareRows<ReturnType<typeof formatVersionRow>, unknown>("put_versions", VERSION_COLUMNS, (rows) =>
    db.insertInto("versions").values(rows),
  );
  return {
    put: (versions: readonly FormerVersion[]) => put(versions.map(formatVersionRow)),
    remove: (versions: readonly VersionRef[]) => remove(versions.map(formatVersionKey)),
    count: () => countVersions(db),
    find: (versions: readonly VersionRef[]) => find(versions.map(formatVersionKey)),
    /** The newest of each key, whatever the horizon. */
    findNewest: prepareRows<FileRef, VersionRow>("find_newest_versions", ["namespace", "key"], (refs) =>
      select()
        .where((eb) => eb.or(refs.map((ref) => eb.and([eb("namespace", "=", ref.namespace), eb("key", "=", ref.key)]))))
        .where("number", "=", (eb) =>
          eb
            .selectFrom("versions as newer")
            .select((inner) => inner.fn.max("newer.number").as("newest"))
            .whereRef("newer.namespace", "=", "versions.namespace")
            .whereRef("newer.key", "=", "versions.key"),
        ),
    ),
    /** The newest first. */
    listOfKey: prepareQuery<KeyHistory, VersionRow>("list_versions_of_key", (slot) =>
      select()
        .where("namespace", "=", slot("namespace"))
        .where("key", "=", slot("key"))
        .where("number", "<", slot("before"))
        .where("superseded_by", ">", slot("horizon"))
        .orderBy("number", "desc")
        .limit(slot("limit")),
    ),
    findAsOf: prepareQuery<{ namespace: string; key: string; number: number }, VersionRow>(
      "find_version_as_of",
      (slot) =>
        select()
          .where("namespace", "=", slot("namespace"))
          .where("key", "=", slot("key"))
          .where("number", "<=", slot("number"))
          .where("superseded_by", ">", slot("number"))
          .orderBy("number", "desc")
          .limit(1),
    ),
    /** What the horizon has passed, the oldest end first. */
    listEnded: prepareQuery<{ namespace: string; horizon: number; limit: number }, VersionRow>(
      "list_ended_versions",
      (slot) =>
        select()
          .where("namespace", "=", slot("namespace"))
          .where("superseded_by", "<=", slot("horizon"))
          .orderBy("superseded_by")
          .limit(slot("limit")),
    ),
    /** The next namespace that has former versions, whether it still exists or not. */
    findNextNamespace: prepareQuery<{ after: string }, { namespace: SqlText }>("find_next_versions", (slot) =>
      db
        .selectFrom("versions")
        .select("namespace")
        .where("namespace", ">", slot("after"))
        .orderBy("namespace")
        .limit(1),
    ),
  };
}

function formatVersionKey({ namespace, key, version }: VersionRef): VersionKey {
  return { namespace, key, number: version };
}

function formatVersionRow(former: FormerVersion) {
  return { ...formatFileRow(former), superseded_by: former.supersededBy, superseded_ms: former.supersededMs };
}

export function parseVersionRow(row: VersionRow): FormerVersion {
  const [supersededBy, supersededMs] = [toInteger(row.superseded_by), toInteger(row.superseded_ms)];
  return { ...parseFileRow(row), supersededBy, supersededMs };
}

export function parseNamespaceOf(row: { namespace: SqlText }): NamespaceName {
  return toText(row.namespace) as NamespaceName;
}

function countVersions(db: CatalogKysely): SqlStatement<StoredCount> {
  return compileQuery(
    db
      .selectFrom("versions")
      .select((eb) => [
        eb.fn.countAll<SqlInteger>().as("files"),
        eb.fn.sum<SqlInteger | null>("size_bytes").as("bytes"),
      ]),
  );
}
