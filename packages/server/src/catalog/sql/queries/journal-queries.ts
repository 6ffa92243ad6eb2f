import type { Digest, NamespaceName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { PlannedGroup } from "../../../model/commit-plan.js";
import type { JournalEntry } from "../../../model/journal-entry.js";
import type { JournalGroup } from "../../../model/journal-group.js";
import type { JournalBlob } from "../../catalog.js";
import { fromHex, toBuffer, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely } from "../dialect.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { JournalGroupsTable, JournalTable, SqlText } from "../schema.js";

type StoredGroup = Selectable<JournalGroupsTable>;
type StoredBlob = Pick<Selectable<JournalTable>, "number" | "size_bytes"> & { namespace: SqlText; digest: Uint8Array };

const COLUMNS = ["number", "group_last", "kind", "namespace", "key", "digest", "size_bytes"] as const;

export function createJournalQueries(db: CatalogKysely) {
  const insertEntries = prepareRows<ReturnType<typeof formatEntryRow>, unknown>("insert_entries", COLUMNS, (rows) =>
    db.insertInto("journal").values(rows),
  );
  return {
    insertEntries: (group: PlannedGroup) =>
      insertEntries(group.entries.map((entry) => formatEntryRow(entry, group.last))),
    insertGroup: prepareQuery<{ last: number; first: number; hash: Uint8Array; bytes: Uint8Array }, unknown>(
      "insert_group",
      (slot) =>
        db
          .insertInto("journal_groups")
          .values({ last: slot("last"), first: slot("first"), hash: slot("hash"), bytes: slot("bytes") }),
    ),
    listGroups: prepareQuery<{ after: number; limit: number }, StoredGroup>("list_groups", (slot) =>
      db
        .selectFrom("journal_groups")
        .selectAll()
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
