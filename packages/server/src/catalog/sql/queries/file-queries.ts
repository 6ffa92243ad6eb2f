import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { FileRecord } from "../../../model/change.js";
import type { FileRef } from "../../../model/commit-view.js";
import { fromHex, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { FilesTable } from "../schema.js";
import type { SqlStatement } from "../sql-connection.js";

export type FileRow = Selectable<FilesTable>;

const COLUMNS = [
  "namespace",
  "key",
  "number",
  "digest",
  "size_bytes",
  "content_type",
  "metadata",
  "modified_ms",
] as const;
const UPDATED_COLUMNS = ["number", "digest", "size_bytes", "content_type", "metadata", "modified_ms"] as const;

/** A stretch of one namespace in the byte order of its keys. */
export interface FileRange {
  readonly namespace: NamespaceName;
  readonly from: string;
  /** Whether `from` itself belongs to the range. */
  readonly isFromIncluded: boolean;
  /** The first key behind the range; undefined: to the namespace's end. */
  readonly to: string | undefined;
  readonly limit: number;
}

export function createFileQueries(db: CatalogKysely, dialect: SqlDialect) {
  const find = prepareRows<FileRef, FileRow>("find_files", ["namespace", "key"], (refs) =>
    db
      .selectFrom("files")
      .select(COLUMNS)
      .where((eb) => eb.or(refs.map((ref) => eb.and([eb("namespace", "=", ref.namespace), eb("key", "=", ref.key)])))),
  );
  const put = prepareRows<ReturnType<typeof formatFileRow>, unknown>("put_files", COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("files").values(rows), { key: ["namespace", "key"], update: UPDATED_COLUMNS }),
  );
  const remove = prepareRows<FileRef, unknown>("remove_files", ["namespace", "key"], (refs) =>
    db
      .deleteFrom("files")
      .where((eb) => eb.or(refs.map((ref) => eb.and([eb("namespace", "=", ref.namespace), eb("key", "=", ref.key)])))),
  );
  return {
    find,
    put: (files: readonly FileRecord[]) => put(files.map(formatFileRow)),
    remove,
    list: prepareList(db),
  };
}

type RangeValues = { namespace: string; from: string; to: string; limit: number };

function prepareList(db: CatalogKysely): (range: FileRange) => SqlStatement<FileRow> {
  const prepare = (comparison: ">" | ">=", isBounded: boolean) =>
    prepareQuery<RangeValues, FileRow>(`list_files_${comparison === ">" ? "behind" : "from"}_${isBounded}`, (slot) => {
      const query = db
        .selectFrom("files")
        .select(COLUMNS)
        .where("namespace", "=", slot("namespace"))
        .where("key", comparison, slot("from"))
        .orderBy("key")
        .limit(slot("limit"));
      return isBounded ? query.where("key", "<", slot("to")) : query;
    });
  const [from, fromTo, behind, behindTo] = [
    prepare(">=", false),
    prepare(">=", true),
    prepare(">", false),
    prepare(">", true),
  ];
  return ({ namespace, from: first, isFromIncluded, to, limit }) => {
    const values = { namespace, from: first, to: to ?? "", limit };
    if (to === undefined) return isFromIncluded ? from(values) : behind(values);
    return isFromIncluded ? fromTo(values) : behindTo(values);
  };
}

function formatFileRow(file: FileRecord) {
  return {
    namespace: file.namespace as string,
    key: file.key as string,
    number: file.version,
    digest: fromHex(file.digest),
    size_bytes: file.sizeBytes,
    content_type: file.contentType,
    metadata: JSON.stringify(file.metadata),
    modified_ms: file.modified.getTime(),
  };
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
  };
}

function parseMetadata(json: string): Record<string, string> {
  return json === "{}" ? {} : (JSON.parse(json) as Record<string, string>);
}
