import { type Compilable, sql } from "kysely";
import type { CatalogKysely, SqlDialect } from "./dialect.js";

export interface MigrationStep {
  readonly number: number;
  build(db: CatalogKysely, dialect: SqlDialect): Compilable<unknown>;
}

const BLOB_COLUMNS = ["namespace", "digest"];

/**
 * The schema, step by step. A step is one statement that does no harm when it is run twice, because MySQL commits
 * after each and cannot take one back. A step that was released is never changed: a new one follows it.
 */
export const MIGRATIONS: readonly MigrationStep[] = [
  {
    number: 1,
    build: (db, dialect) =>
      table(db, dialect, "cluster")
        .addColumn("id", dialect.types.integer, (column) => column.notNull().primaryKey())
        .addColumn("cluster_id", dialect.types.shortText, (column) => column.notNull())
        .addColumn("head_number", dialect.types.integer, (column) => column.notNull())
        .addColumn("head_hash", dialect.types.digest, (column) => column.notNull())
        .addColumn("time_ms", dialect.types.integer, (column) => column.notNull())
        .addColumn("lock_count", dialect.types.integer, (column) => column.notNull()),
  },
  {
    number: 2,
    build: (db, dialect) =>
      table(db, dialect, "journal_groups")
        .addColumn("last", dialect.types.integer, (column) => column.notNull().primaryKey())
        .addColumn("first", dialect.types.integer, (column) => column.notNull())
        .addColumn("hash", dialect.types.digest, (column) => column.notNull())
        .addColumn("bytes", dialect.types.bytes, (column) => column.notNull()),
  },
  {
    number: 3,
    build: (db, dialect) =>
      table(db, dialect, "journal")
        .addColumn("number", dialect.types.integer, (column) => column.notNull().primaryKey())
        .addColumn("group_last", dialect.types.integer, (column) => column.notNull())
        .addColumn("kind", dialect.types.shortText, (column) => column.notNull())
        .addColumn("namespace", dialect.types.shortText)
        .addColumn("key", dialect.types.keyText)
        .addColumn("digest", dialect.types.digest)
        .addColumn("size_bytes", dialect.types.integer),
  },
  {
    number: 4,
    build: (db, dialect) =>
      table(db, dialect, "files")
        .addColumn("namespace", dialect.types.shortText, (column) => column.notNull())
        .addColumn("key", dialect.types.keyText, (column) => column.notNull())
        .addColumn("number", dialect.types.integer, (column) => column.notNull())
        .addColumn("digest", dialect.types.digest, (column) => column.notNull())
        .addColumn("size_bytes", dialect.types.integer, (column) => column.notNull())
        .addColumn("content_type", dialect.types.longText, (column) => column.notNull())
        .addColumn("metadata", dialect.types.longText, (column) => column.notNull())
        .addColumn("modified_ms", dialect.types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("files_key", ["namespace", "key"]),
  },
  {
    number: 5,
    build: (db, dialect) =>
      table(db, dialect, "commits")
        .addColumn("id", dialect.types.keyText, (column) => column.notNull().primaryKey())
        .addColumn("fingerprint", dialect.types.shortText, (column) => column.notNull())
        .addColumn("outcome", dialect.types.longText)
        .addColumn("time_ms", dialect.types.integer, (column) => column.notNull()),
  },
  { number: 6, build: (db, dialect) => index(db, dialect, "commits_by_time").on("commits").column("time_ms") },
  {
    number: 7,
    build: (db, dialect) =>
      table(db, dialect, "namespaces")
        .addColumn("name", dialect.types.shortText, (column) => column.notNull().primaryKey())
        .addColumn("min_copies", dialect.types.integer, (column) => column.notNull())
        .addColumn("url_template", dialect.types.longText)
        .addColumn("files", dialect.types.integer, (column) => column.notNull())
        .addColumn("bytes", dialect.types.integer, (column) => column.notNull())
        .addColumn("created_ms", dialect.types.integer, (column) => column.notNull()),
  },
  {
    number: 8,
    build: (db, dialect) =>
      table(db, dialect, "nodes")
        .addColumn("id", dialect.types.shortText, (column) => column.notNull().primaryKey())
        .addColumn("name", dialect.types.shortText, (column) => column.notNull())
        .addColumn("url", dialect.types.longText, (column) => column.notNull())
        .addColumn("zone", dialect.types.longText, (column) => column.notNull())
        .addColumn("state", dialect.types.shortText, (column) => column.notNull())
        .addColumn("volumes", dialect.types.longText, (column) => column.notNull())
        .addColumn("joined_at", dialect.types.integer, (column) => column.notNull())
        .addColumn("backfill_position", dialect.types.integer, (column) => column.notNull())
        .addColumn("heartbeat_ms", dialect.types.integer, (column) => column.notNull())
        .addColumn("free_bytes", dialect.types.integer, (column) => column.notNull())
        .addColumn("total_bytes", dialect.types.integer, (column) => column.notNull()),
  },
  {
    number: 9,
    build: (db, dialect) =>
      table(db, dialect, "debts")
        .addColumn("node", dialect.types.shortText, (column) => column.notNull())
        .addColumn("namespace", dialect.types.shortText, (column) => column.notNull())
        .addColumn("digest", dialect.types.digest, (column) => column.notNull())
        .addColumn("size_bytes", dialect.types.integer, (column) => column.notNull())
        .addColumn("copies", dialect.types.integer, (column) => column.notNull())
        .addColumn("number", dialect.types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("debts_key", ["node", "namespace", "digest"]),
  },
  {
    number: 10,
    build: (db, dialect) => index(db, dialect, "debts_by_urgency").on("debts").columns(["node", "copies", "number"]),
  },
  {
    number: 11,
    build: (db, dialect) =>
      table(db, dialect, "leases")
        .addColumn("name", dialect.types.shortText, (column) => column.notNull().primaryKey())
        .addColumn("holder", dialect.types.shortText, (column) => column.notNull())
        .addColumn("until_ms", dialect.types.integer, (column) => column.notNull()),
  },
  {
    number: 12,
    build: (db, dialect) =>
      table(db, dialect, "epochs")
        .addColumn("epoch", dialect.types.integer, (column) => column.notNull().primaryKey())
        .addColumn("number", dialect.types.integer, (column) => column.notNull())
        .addColumn("hash", dialect.types.digest, (column) => column.notNull())
        .addColumn("time_ms", dialect.types.integer, (column) => column.notNull()),
  },
  {
    number: 13,
    build: buildBlobIndex,
  },
  { number: 14, build: (db, dialect) => integerOf(db, dialect, { table: "files", column: "expires_ms" }) },
  { number: 15, build: (db, dialect) => index(db, dialect, "files_by_expiry").on("files").column("expires_ms") },
  {
    number: 16,
    build: (db, dialect) =>
      table(db, dialect, "versions")
        .addColumn("namespace", dialect.types.shortText, (column) => column.notNull())
        .addColumn("key", dialect.types.keyText, (column) => column.notNull())
        .addColumn("number", dialect.types.integer, (column) => column.notNull())
        .addColumn("digest", dialect.types.digest, (column) => column.notNull())
        .addColumn("size_bytes", dialect.types.integer, (column) => column.notNull())
        .addColumn("content_type", dialect.types.longText, (column) => column.notNull())
        .addColumn("metadata", dialect.types.longText, (column) => column.notNull())
        .addColumn("modified_ms", dialect.types.integer, (column) => column.notNull())
        .addColumn("expires_ms", dialect.types.integer)
        .addColumn("superseded_by", dialect.types.integer, (column) => column.notNull())
        .addColumn("superseded_ms", dialect.types.integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("versions_key", ["namespace", "key", "number"]),
  },
  {
    number: 17,
    build: (db, dialect) =>
      index(db, dialect, "versions_by_end").on("versions").columns(["namespace", "superseded_by"]),
  },
  {
    number: 18,
    build: (db, dialect) =>
      table(db, dialect, "purges")
        .addColumn("node", dialect.types.shortText, (column) => column.notNull())
        .addColumn("namespace", dialect.types.shortText, (column) => column.notNull())
        .addColumn("digest", dialect.types.digest, (column) => column.notNull())
        .addColumn("number", dialect.types.integer, (column) => column.notNull())
        .addColumn("done_ms", dialect.types.integer)
        .addPrimaryKeyConstraint("purges_key", ["node", "namespace", "digest"]),
  },
  { number: 19, build: (db, dialect) => index(db, dialect, "purges_by_blob").on("purges").columns(BLOB_COLUMNS) },
  { number: 20, build: (db, dialect) => integerOf(db, dialect, { table: "journal_groups", column: "time_ms" }) },
  { number: 21, build: (db, dialect) => index(db, dialect, "groups_by_time").on("journal_groups").column("time_ms") },
  { number: 22, build: (db, dialect) => integerOf(db, dialect, { table: "namespaces", column: "retention_ms" }) },
  { number: 23, build: (db, dialect) => integerOf(db, dialect, { table: "namespaces", column: "expire_after_ms" }) },
  { number: 24, build: (db, dialect) => integerOf(db, dialect, { table: "namespaces", column: "horizon" }) },
  {
    // Former versions were not kept before this: all history begins here.
    number: 25,
    build: (db) =>
      db
        .updateTable("namespaces")
        .set({ horizon: sql<number>`(select head_number from cluster where id = 1)` })
        .where("horizon", "is", null),
  },
  {
    number: 26,
    build: (db, dialect) =>
      table(db, dialect, "transactions")
        .addColumn("id", dialect.types.shortText, (column) => column.notNull().primaryKey())
        .addColumn("owner", dialect.types.shortText, (column) => column.notNull())
        .addColumn("state", dialect.types.shortText, (column) => column.notNull())
        .addColumn("begun_ms", dialect.types.integer, (column) => column.notNull())
        .addColumn("ttl_ms", dialect.types.integer, (column) => column.notNull())
        .addColumn("expires_ms", dialect.types.integer, (column) => column.notNull())
        .addColumn("number", dialect.types.integer)
        .addColumn("prepared_ms", dialect.types.integer)
        .addColumn("finished_ms", dialect.types.integer)
        .addColumn("reason", dialect.types.shortText)
        .addColumn("changes", dialect.types.integer, (column) => column.notNull())
        .addColumn("staged_bytes", dialect.types.integer, (column) => column.notNull())
        .addColumn("steps", dialect.types.integer, (column) => column.notNull())
        .addColumn("entry_bytes", dialect.types.integer, (column) => column.notNull())
        .addColumn("by_namespace", dialect.types.longText, (column) => column.notNull()),
  },
  {
    number: 27,
    build: (db, dialect) =>
      index(db, dialect, "transactions_by_state").on("transactions").columns(["state", "expires_ms"]),
  },
  {
    number: 28,
    build: (db, dialect) =>
      table(db, dialect, "staged")
        .addColumn("transaction_id", dialect.types.shortText, (column) => column.notNull())
        .addColumn("namespace", dialect.types.shortText, (column) => column.notNull())
        .addColumn("key", dialect.types.keyText, (column) => column.notNull())
        .addColumn("kind", dialect.types.shortText, (column) => column.notNull())
        .addColumn("digest", dialect.types.digest)
        .addColumn("size_bytes", dialect.types.integer)
        .addColumn("content_type", dialect.types.longText)
        .addColumn("metadata", dialect.types.longText)
        .addColumn("expires", dialect.types.longText)
        .addColumn("min_copies", dialect.types.integer)
        .addColumn("placed_on", dialect.types.longText, (column) => column.notNull())
        .addColumn("staged_at", dialect.types.integer, (column) => column.notNull())
        .addColumn("seen", dialect.types.integer)
        .addPrimaryKeyConstraint("staged_key", ["transaction_id", "namespace", "key"]),
  },
  // Bytes that are staged are in use: whoever would unlink them asks by their name.
  { number: 29, build: (db, dialect) => index(db, dialect, "staged_by_blob").on("staged").columns(BLOB_COLUMNS) },
  {
    number: 30,
    build: (db, dialect) =>
      table(db, dialect, "locks")
        .addColumn("namespace", dialect.types.shortText, (column) => column.notNull())
        .addColumn("key", dialect.types.keyText, (column) => column.notNull())
        .addColumn("transaction_id", dialect.types.shortText, (column) => column.notNull())
        .addPrimaryKeyConstraint("locks_key", ["namespace", "key"]),
  },
  {
    number: 31,
    build: (db, dialect) => index(db, dialect, "locks_by_transaction").on("locks").column("transaction_id"),
  },
  {
    number: 32,
    build: (db, dialect) =>
      table(db, dialect, "webhooks")
        .addColumn("id", dialect.types.shortText, (column) => column.notNull().primaryKey())
        .addColumn("url", dialect.types.longText, (column) => column.notNull())
        .addColumn("namespace", dialect.types.shortText)
        .addColumn("prefix", dialect.types.keyText, (column) => column.notNull())
        .addColumn("position", dialect.types.integer, (column) => column.notNull())
        .addColumn("failures", dialect.types.integer, (column) => column.notNull())
        .addColumn("error", dialect.types.longText)
        .addColumn("delivered_ms", dialect.types.integer),
  },
  { number: 33, build: (db, dialect) => integerOf(db, dialect, { table: "namespaces", column: "max_files" }) },
  { number: 34, build: (db, dialect) => integerOf(db, dialect, { table: "namespaces", column: "max_bytes" }) },
  {
    number: 35,
    build: (db, dialect) => db.schema.alterTable("transactions").addColumn("reserved", dialect.types.longText),
  },
];

const BLOB_INDEX = "journal_by_digest";

/** For the scrub, which walks the blobs by digest, and for everything that asks what one blob is called. */
export function buildBlobIndex(db: CatalogKysely, dialect: SqlDialect): Compilable<unknown> {
  return index(db, dialect, BLOB_INDEX).on("journal").columns(["digest", "namespace"]);
}

export function dropBlobIndex(db: CatalogKysely): Compilable<unknown> {
  return db.schema.dropIndex(BLOB_INDEX).ifExists();
}

/** Says which steps were taken; made before all others. */
export function buildMigrationsTable(db: CatalogKysely, dialect: SqlDialect): Compilable<unknown> {
  return table(db, dialect, "migrations")
    .addColumn("number", dialect.types.integer, (column) => column.notNull().primaryKey())
    .addColumn("applied_ms", dialect.types.integer, (column) => column.notNull());
}

function table(db: CatalogKysely, dialect: SqlDialect, name: string) {
  const { tableSuffix } = dialect.capabilities;
  return db.schema
    .createTable(name)
    .ifNotExists()
    .modifyEnd(tableSuffix ?? sql``);
}

/** A column of integers that may be null, added to a table that is there. */
function integerOf(db: CatalogKysely, dialect: SqlDialect, added: { table: string; column: string }) {
  return db.schema.alterTable(added.table).addColumn(added.column, dialect.types.integer);
}

function index(db: CatalogKysely, dialect: SqlDialect, name: string) {
  const builder = db.schema.createIndex(name);
  return dialect.capabilities.createIndexIfNotExists ? builder.ifNotExists() : builder;
}
