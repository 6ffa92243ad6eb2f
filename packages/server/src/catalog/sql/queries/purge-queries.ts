import type { NodeId } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { PlannedPurge } from "../../../model/commit-plan.js";
import type { BlobName, PurgeOrder } from "../../../model/commit-view.js";
import { fromHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { PurgesTable, SqlText } from "../schema.js";
import { formatBlobKey, parseBlobName } from "./reference-queries.js";

type StoredPurge = Selectable<PurgesTable>;
type PurgeKey = { node: string; namespace: string; digest: Uint8Array; number: number };

const KEY_COLUMNS = ["node", "namespace", "digest"] as const;
const COLUMNS = [...KEY_COLUMNS, "number", "done_ms"] as const;

export function createPurgeQueries(db: CatalogKysely, dialect: SqlDialect) {
  const add = prepareRows<ReturnType<typeof formatPurgeRow>, unknown>("add_purges", COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("purges").values(rows), { key: KEY_COLUMNS, update: ["number", "done_ms"] }),
  );
  const findOfBlobs = prepareRows<{ namespace: string; digest: Uint8Array }, StoredPurge>(
    "find_purges",
    ["namespace", "digest"],
    (keys) =>
      db
        .selectFrom("purges")
        .select(COLUMNS)
        .where((eb) => eb.or(keys.map((key) => eb.and(key)))),
  );
  return {
    add: (purges: readonly PlannedPurge[]) => add(purges.map(formatPurgeRow)),
    findOfBlobs: (blobs: readonly BlobName[]) => findOfBlobs(blobs.map(formatBlobKey)),
    listOpen: prepareQuery<{ node: string; limit: number }, StoredPurge>("list_open_purges", (slot) =>
      db
        .selectFrom("purges")
        .select(COLUMNS)
        .where("node", "=", slot("node"))
        .where("done_ms", "is", null)
        .orderBy("number")
        .limit(slot("limit")),
    ),
    /** Nothing happens to an order that was given again meanwhile: it has another number. */
    end: prepareQuery<PurgeKey, unknown>("end_purge", (slot) =>
      db
        .updateTable("purges")
        .set({ done_ms: dialect.nowMs })
        .where("node", "=", slot("node"))
        .where("namespace", "=", slot("namespace"))
        .where("digest", "=", slot("digest"))
        .where("number", "=", slot("number")),
    ),
    /** Nodes that have not obeyed what was ordered up to a number. */
    listPending: prepareQuery<{ after: number; until: number }, { node: SqlText }>("list_pending_purges", (slot) =>
      db
        .selectFrom("purges")
        .select("node")
        .distinct()
        .where("number", ">", slot("after"))
        .where("number", "<=", slot("until"))
        .where("done_ms", "is", null),
    ),
    /** Orders that were obeyed so long ago that no placement from before can still be named. */
    removeOld: prepareQuery<{ olderThanMs: number }, unknown>("remove_old_purges", (slot) =>
      db.deleteFrom("purges").where((eb) => eb("done_ms", "<", eb(dialect.nowMs, "-", slot("olderThanMs")))),
    ),
  };
}

function formatPurgeRow(purge: PlannedPurge) {
  return { ...formatPurgeKey(purge), done_ms: null };
}

export function formatPurgeKey({ node, namespace, digest, number }: PlannedPurge): PurgeKey {
  return { node, namespace, digest: fromHex(digest), number };
}

export function parsePurgeRow(row: StoredPurge): PurgeOrder & PlannedPurge {
  return {
    ...parseBlobName(row),
    node: toText(row.node) as NodeId,
    number: toInteger(row.number),
    ...(row.done_ms !== null && { doneMs: toInteger(row.done_ms) }),
  };
}
