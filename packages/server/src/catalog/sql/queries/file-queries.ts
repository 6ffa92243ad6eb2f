import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import type { ExpressionBuilder, Selectable } from "kysely";
import type { FileRecord } from "../../../model/change.js";
import type { FileRef } from "../../../model/commit-view.js";
import type { TransactionId } from "../../../model/transaction.js";
import type { HeldFile } from "../../catalog.js";
import { fromHex, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { prepareQuery, prepareRows, givingOneEach } from "../prepared-query.js";
import type { CatalogTables, FilesTable, SqlText } from "../schema.js";
import { type AsOf, notExpired, prepareRanges } from "./key-ranges.js";

export type FileRow = Selectable<FilesTable>;
export type LiveFileRow = FileRow & { held_by: SqlText | null };

const KEY_COLUMNS = ["namespace", "key"] as const;
const UPDATED_COLUMNS = [
  "number",
  "digest",
  "size_bytes",
  "content_type",
  "metadata",
  "modified_ms",
  "expires_ms",
] as const;
export const FILE_COLUMNS = [...KEY_COLUMNS, ...UPDATED_COLUMNS] as const;

export function createFileQueries(db: CatalogKysely, dialect: SqlDialect) {
  const find = prepareRows<FileRef, FileRow>("find_files", ["namespace", "key"], (refs) =>
    db
      .selectFrom("files")
      .select(FILE_COLUMNS)
      .where((eb) => eb.or(refs.map((ref) => eb.and([eb("namespace", "=", ref.namespace), eb("key", "=", ref.key)])))),
  );
  const put = prepareRows<ReturnType<typeof formatFileRow>, unknown>("put_files", FILE_COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("files").values(rows), { key: KEY_COLUMNS, update: UPDATED_COLUMNS }),
  );
  const remove = prepareRows<FileRef, unknown>("remove_files", ["namespace", "key"], (refs) =>
    db
      .deleteFrom("files")
      .where((eb) => eb.or(refs.map((ref) => eb.and([eb("namespace", "=", ref.namespace), eb("key", "=", ref.key)])))),
  );
  /** As `find`, without files that have expired: what reads see, and which transaction is about to change it. */
  const findLive = prepareRows<FileRef, LiveFileRow>("find_live_files", ["namespace", "key"], (refs) =>
    db
      .selectFrom("files")
      .select(FILE_COLUMNS)
      .select((eb) => selectHolder(eb).as("held_by"))
      .where((eb) => eb.or(refs.map((ref) => eb.and([eb("namespace", "=", ref.namespace), eb("key", "=", ref.key)]))))
      .where(notExpired("files", dialect.nowMs)),
  );
  return {
    find: givingOneEach(find),
    findLive: givingOneEach(findLive),
    put: (files: readonly FileRecord[]) => put(files.map(formatFileRow)),
    remove,
    list: prepareRanges<object, FileRow>("list_files", (bound) =>
      bound(db.selectFrom("files").select(FILE_COLUMNS).where(notExpired("files", dialect.nowMs))),
    ),
    /** What was put no later than the moment and is still current: files as of then, with those in `versions`. */
    listAsOf: prepareRanges<AsOf, FileRow>("list_files_as_of", (bound, slot) =>
      bound(
        db
          .selectFrom("files")
          .select(FILE_COLUMNS)
          .where("number", "<=", slot("number"))
          .where(notExpired("files", slot("timeMs"))),
      ),
    ),
    /** What was put since. */
    listSince: prepareRanges<{ number: number }, FileRow>("list_files_since", (bound, slot) =>
      bound(db.selectFrom("files").select(FILE_COLUMNS).where("number", ">", slot("number"))),
    ),
    /** Files that read as absent by now, the longest first; to be deleted. Without held ones, which would stand before them. */
    listExpired: prepareQuery<{ limit: number }, FileRow>("list_expired", (slot) =>
      db
        .selectFrom("files")
        .select(FILE_COLUMNS)
        .where("expires_ms", "<=", dialect.nowMs)
        .where((eb) => eb.not(eb.exists(selectHolder(eb))))
        .orderBy("expires_ms")
        .limit(slot("limit")),
    ),
  };
}

/** The prepared transaction that holds the file's key. */
function selectHolder(eb: ExpressionBuilder<CatalogTables, "files">) {
  return eb
    .selectFrom("locks")
    .select("locks.transaction_id")
    .whereRef("locks.namespace", "=", "files.namespace")
    .whereRef("locks.key", "=", "files.key");
}

export function formatFileRow(file: FileRecord) {
  return {
    namespace: file.namespace as string,
    key: file.key as string,
    number: file.version,
    digest: fromHex(file.digest),
    size_bytes: file.sizeBytes,
    content_type: file.contentType,
    metadata: JSON.stringify(file.metadata),
    modified_ms: file.modified.getTime(),
    expires_ms: file.expiresMs ?? null,
  };
}

export function parseLiveFileRow(row: LiveFileRow): HeldFile {
  const file = parseFileRow(row);
  return row.held_by === null ? file : { ...file, heldBy: toText(row.held_by) as TransactionId };
}

export function parseFileRow(row: FileRow): FileRecord {
  return {
    namespace: toText(row.namespace) as NamespaceName,
    key: toText(row.key) as FileKey,
    version: toInteger(row.number),
    digest: toHex(row.digest) as Digest,
    sizeBytes: toInteger(row.size_bytes),
    contentType: toText(row.content_type),
    metadata: parseMetadata(toText(row.metadata)),
    modified: new Date(toInteger(row.modified_ms)),
    ...(row.expires_ms !== null && { expiresMs: toInteger(row.expires_ms) }),
  };
}

function parseMetadata(json: string): Record<string, string> {
  return json === "{}" ? {} : (JSON.parse(json) as Record<string, string>);
}
