import type { Digest, NamespaceName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { JournalEntry } from "../../../model/journal-entry.js";
import type { JournalGroup, JournalGroupContent } from "../../../model/journal-group.js";
import type { JournalBlob } from "../../catalog.js";
import { fromHex, toBuffer, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { buildBlobIndex, dropBlobIndex } from "../migrations.js";
import { compileQuery, prepareQuery, prepareRows } from "../prepared-query.js";
import type { JournalGroupsTable, JournalTable, SqlInteger, SqlText } from "../schema.js";

type StoredGroup = Omit<Selectable<JournalGroupsTable>, "time_ms">;
type InsertedGroup = { last: number; first: number; hash: Uint8Array; bytes: Uint8Array; timeMs: number };
type StoredBlob = Pick<Selectable<JournalTable>, "number" | "size_bytes"> & { namespace: SqlText; digest: Uint8Array };

const COLUMNS = ["number", "group_last", "kind", "namespace", "key", "digest", "size_bytes"] as const;

const GROUP_COLUMNS = ["last", "first", "hash", "bytes"] as const;
const STORED_GROUP_COLUMNS = [...GROUP_COLUMNS, "time_ms"] as const;

type StoredGroupRow = { last: number; first: number; hash: Uint8Array; bytes: Uint8Array; time_ms: number };

export function createJournalQueries(db: CatalogKysely) {
  const insertEntries = prepareRows<ReturnType<typeof formatEntryRow>, unknown>("insert_entries", COLUMNS, (rows) =>
    db.insertInto("journal").values(rows),
  );
  return {
    insertEntries: (...groups: readonly JournalGroupContent[]) =>
      insertEntries(groups.flatMap(({ entries, last }) => entries.map((entry) => formatEntryRow(entry, last)))),
    /** As `insertGroup`, of many. */
    insertGroups: prepareRows<StoredGroupRow, unknown>("insert_groups", STORED_GROUP_COLUMNS, (rows) =>
      db.insertInto("journal_groups").values(rows),
    ),
    insertGroup: prepareQuery<InsertedGroup, unknown>("insert_group", (slot) =>
      db.insertInto("journal_groups").values({
        ...{ last: slot("last"), first: slot("first"), hash: slot("hash"), bytes: slot("bytes") },
        time_ms: slot("timeMs"),
      }),
    ),
    /** The group that a number is in: the moment of its commit. */
    findGroupOf: prepareQuery<{ number: number }, StoredGroup>("find_group_of", (slot) =>
      db
        .selectFrom("journal_groups")
        .select(GROUP_COLUMNS)
        .where("last", ">=", slot("number"))
        .orderBy("last")
        .limit(1),
    ),
    /** The last group that was committed by then. */
    findGroupAt: prepareQuery<{ timeMs: number }, { last: SqlInteger; time_ms: SqlInteger | null }>(
      "find_group_at",
      (slot) =>
        db
          .selectFrom("journal_groups")
          .select(["last", "time_ms"])
          .where("time_ms", "<=", slot("timeMs"))
          .orderBy("time_ms", "desc")
          .orderBy("last", "desc")
          .limit(1),
    ),
    /** What backfill and pruned history need no more. The groups' bytes stay: they are what mirrors follow. */
    removeEntries: prepareRows<{ number: number }, unknown>("remove_entries", ["number"], (rows) =>
      db.deleteFrom("journal").where("number", "in", listNumbers(rows)),
    ),
    /** Of these numbers, those that only say that a key named nothing from then on. */
    removeTombstones: prepareRows<{ number: number }, unknown>("remove_tombstones", ["number"], (rows) =>
      db.deleteFrom("journal").where("number", "in", listNumbers(rows)).where("kind", "in", ["delete", "purge"]),
    ),
    listGroups: prepareQuery<{ after: number; limit: number }, StoredGroup>("list_groups", (slot) =>
      db
        .selectFrom("journal_groups")
        .select(GROUP_COLUMNS)
        .where("last", ">", slot("after"))
        .orderBy("last")
        .limit(slot("limit")),
    ),
    findGroupHash: prepareQuery<{ last: number }, { hash: Uint8Array }>("find_group_hash", (slot) =>
      db.selectFrom("journal_groups").select("hash").where("last", "=", slot("last")),
    ),
    listBlobs: prepareQuery<{ after: number; until: number; limit: number }, StoredBlob>("list_journal_blobs", (slot) =>
      db
        .selectFrom("journal")
        .select(["number", "namespace", "digest", "size_bytes"])
        .where("number", ">", slot("after"))
        .where("number", "<=", slot("until"))
        .where("digest", "is not", null)
        .orderBy("number")
        .limit(slot("limit"))
        .$narrowType<{ namespace: SqlText; digest: Uint8Array }>(),
    ),
  };
}

/** Nothing on engines where the index stays. */
export function createBlobIndexQueries(db: CatalogKysely, dialect: SqlDialect) {
  const { indexesBlobsLate } = dialect.capabilities;
  return {
    drop: () => (indexesBlobsLate ? [compileQuery(dropBlobIndex(db))] : []),
    make: () => (indexesBlobsLate ? [compileQuery(buildBlobIndex(db, dialect))] : []),
  };
}

function listNumbers(rows: readonly { number: number }[]): number[] {
  return rows.map((row) => row.number);
}

function formatEntryRow(entry: JournalEntry, groupLast: number) {
  const content = entry.kind === "put" ? entry.content : undefined;
  return {
    number: entry.number,
    group_last: groupLast,
    kind: entry.kind as string,
    namespace: "namespace" in entry ? (entry.namespace as string) : null,
    key: "key" in entry ? (entry.key as string) : null,
    digest: content === undefined ? null : fromHex(content.digest),
    size_bytes: content?.sizeBytes ?? null,
  };
}

export function parseGroupRow(row: StoredGroup): JournalGroup {
  return { first: toInteger(row.first), last: toInteger(row.last), hash: toHex(row.hash), bytes: toBuffer(row.bytes) };
}

export function parseBlobRow(row: StoredBlob): JournalBlob {
  return {
    number: toInteger(row.number),
    namespace: toText(row.namespace) as NamespaceName,
    digest: toHex(row.digest) as Digest,
    sizeBytes: toInteger(row.size_bytes ?? 0),
  };
}
