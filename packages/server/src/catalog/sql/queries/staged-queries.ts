import type { Digest, FileKey, NamespaceName, NodeId } from "@koboldfs/protocol";
import { type Selectable, sql } from "kysely";
import type { Expiry, FileContent } from "../../../model/change.js";
import type { FileRef } from "../../../model/commit-view.js";
import type { StagedChange } from "../../../model/staged-change.js";
import type { TransactionId } from "../../../model/transaction.js";
import { fromHex, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { NamespacesTable, SqlInteger, StagedTable } from "../schema.js";
import { FILE_COLUMNS, type FileRow } from "./file-queries.js";
import { prepareRanges } from "./key-ranges.js";

type StoredStaged = Selectable<StagedTable>;
type StagedKey = { transaction_id: string; namespace: string; key: string };
type TransactionKey = { id: string };

const KEY_COLUMNS = ["transaction_id", "namespace", "key"] as const;
const CONTENT_COLUMNS = ["digest", "size_bytes", "content_type", "metadata", "expires", "min_copies"] as const;
const UPDATED_COLUMNS = ["kind", ...CONTENT_COLUMNS, "placed_on", "staged_at", "seen"] as const;
const COLUMNS = [...KEY_COLUMNS, ...UPDATED_COLUMNS] as const;

/** What transactions have staged; what a whole transaction needs is read and removed by its id, whatever its size. */
export function createStagedQueries(db: CatalogKysely, dialect: SqlDialect) {
  const put = prepareRows<ReturnType<typeof formatStagedRow>, unknown>("put_staged", COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("staged").values(rows), { key: KEY_COLUMNS, update: UPDATED_COLUMNS }),
  );
  const find = prepareRows<StagedKey, StoredStaged>("find_staged", KEY_COLUMNS, (keys) =>
    db
      .selectFrom("staged")
      .select(COLUMNS)
      .where((eb) => eb.or(keys.map((key) => eb.and(key)))),
  );
  return {
    put: (changes: readonly StagedChange[]) => put(changes.map(formatStagedRow)),
    find: (keys: readonly (FileRef & { readonly transaction: TransactionId })[]) => find(keys.map(formatStagedKey)),
    listOf: prepareQuery<TransactionKey, StoredStaged>("list_staged_of", (slot) =>
      db.selectFrom("staged").select(COLUMNS).where("transaction_id", "=", slot("id")),
    ),
    /** The first of them, by namespace and key. */
    listFirstOf: prepareQuery<TransactionKey & { limit: number }, StoredStaged>("list_first_staged_of", (slot) =>
      db
        .selectFrom("staged")
        .select(COLUMNS)
        .where("transaction_id", "=", slot("id"))
        .orderBy("namespace")
        .orderBy("key")
        .limit(slot("limit")),
    ),
    list: prepareRanges<TransactionKey, StoredStaged>("list_staged", (bound, slot) =>
      bound(db.selectFrom("staged").select(COLUMNS).where("transaction_id", "=", slot("id"))),
    ),
    removeOf: prepareQuery<TransactionKey, unknown>("remove_staged_of", (slot) =>
      db.deleteFrom("staged").where("transaction_id", "=", slot("id")),
    ),
    /** The committed files of the keys that it has staged. */
    listFilesOf: prepareQuery<TransactionKey, FileRow>("list_files_of_staged", (slot) =>
      db
        .selectFrom("staged")
        .innerJoin("files", (join) =>
          join.onRef("files.namespace", "=", "staged.namespace").onRef("files.key", "=", "staged.key"),
        )
        .select(FILE_COLUMNS.map((column) => `files.${column}` as const))
        .where("staged.transaction_id", "=", slot("id")),
    ),
    listNamespacesOf: prepareQuery<TransactionKey, Selectable<NamespacesTable>>("list_namespaces_of_staged", (slot) =>
      db
        .selectFrom("namespaces")
        .selectAll()
        .where("name", "in", (eb) =>
          eb.selectFrom("staged").select("staged.namespace").where("staged.transaction_id", "=", slot("id")),
        ),
    ),
    /** Bytes that were placed on a node and are staged only: no debt tells of them. */
    countPlacedOn: prepareQuery<{ pattern: string }, { files: SqlInteger; bytes: SqlInteger | null }>(
      "count_staged_on",
      (slot) =>
        db
          .selectFrom("staged")
          .select((eb) => [
            eb.fn.countAll<SqlInteger>().as("files"),
            eb.fn.sum<SqlInteger | null>("size_bytes").as("bytes"),
          ])
          .where("min_copies", "is not", null)
          .where(sql<boolean>`placed_on like ${slot("pattern")}`),
    ),
  };
}

function formatStagedKey({ transaction, namespace, key }: FileRef & { transaction: TransactionId }): StagedKey {
  return { transaction_id: transaction, namespace, key };
}

function formatStagedRow(change: StagedChange) {
  const { kind, content, expires, minCopies, placedOn, stagedAt, seen } = change;
  return {
    ...formatStagedKey(change),
    kind: kind as string,
    digest: content === undefined ? null : fromHex(content.digest),
    size_bytes: content?.sizeBytes ?? null,
    content_type: content?.contentType ?? null,
    metadata: content === undefined ? null : JSON.stringify(content.metadata),
    expires: expires === undefined ? null : JSON.stringify(expires),
    min_copies: minCopies ?? null,
    ...{ placed_on: JSON.stringify(placedOn), staged_at: stagedAt, seen: seen ?? null },
  };
}

export function parseStagedRow(row: StoredStaged): StagedChange {
  const content = parseContent(row);
  return {
    transaction: toText(row.transaction_id) as TransactionId,
    ...{ namespace: toText(row.namespace) as NamespaceName, key: toText(row.key) as FileKey },
    kind: toText(row.kind) as StagedChange["kind"],
    ...(content !== undefined && { content }),
    ...(row.expires !== null && { expires: JSON.parse(toText(row.expires)) as Expiry }),
    ...(row.min_copies !== null && { minCopies: toInteger(row.min_copies) }),
    placedOn: JSON.parse(toText(row.placed_on)) as NodeId[],
    stagedAt: toInteger(row.staged_at),
    ...(row.seen !== null && { seen: toInteger(row.seen) }),
  };
}

function parseContent(row: StoredStaged): FileContent | undefined {
  if (row.digest === null) return undefined;
  return {
    ...{ digest: toHex(row.digest) as Digest, sizeBytes: toInteger(row.size_bytes ?? 0) },
    contentType: toText(row.content_type ?? ""),
    metadata: JSON.parse(toText(row.metadata ?? "{}")) as Record<string, string>,
  };
}
