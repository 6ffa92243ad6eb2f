import type { NodeId, NodeName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { NodeSettings } from "../../../model/change.js";
import type { NodeRow } from "../../../model/commit-view.js";
import type { NodeRecord } from "../../catalog.js";
import { toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { NodesTable, SqlInteger } from "../schema.js";

type StoredNode = Selectable<NodesTable>;
type StoredNodeNow = StoredNode & { now_ms: SqlInteger };

const SETTINGS_COLUMNS = ["name", "url", "zone", "state", "volumes"] as const;
/** Heartbeats are no part of what a commit decides: it starts them and never touches them again. */
const UPDATED_COLUMNS = [...SETTINGS_COLUMNS, "joined_at", "backfill_position"] as const;
const INSERTED_COLUMNS = ["id", ...UPDATED_COLUMNS, "heartbeat_ms", "free_bytes", "total_bytes"] as const;

export function createNodeQueries(db: CatalogKysely, dialect: SqlDialect) {
  const put = prepareRows<ReturnType<typeof formatNodeRow>, unknown>("put_nodes", INSERTED_COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("nodes").values(rows), { key: ["id"], update: UPDATED_COLUMNS }),
  );
  return {
    list: prepareQuery<object, StoredNodeNow>("list_nodes", () =>
      db.selectFrom("nodes").selectAll().select(dialect.nowMs.as("now_ms")).orderBy("name"),
    ),
    put: (nodes: readonly NodeRow[], nowMs: number) => put(nodes.map((node) => formatNodeRow(node, nowMs))),
    heartbeat: prepareQuery<{ id: string; freeBytes: number; totalBytes: number }, unknown>("heartbeat", (slot) =>
      db
        .updateTable("nodes")
        .set({ heartbeat_ms: dialect.nowMs, free_bytes: slot("freeBytes"), total_bytes: slot("totalBytes") })
        .where("id", "=", slot("id")),
    ),
    moveBackfill: prepareQuery<{ id: string; position: number }, unknown>("move_backfill", (slot) =>
      db
        .updateTable("nodes")
        .set({ backfill_position: slot("position") })
        .where("id", "=", slot("id"))
        .where("backfill_position", "<", slot("position")),
    ),
  };
}

function formatNodeRow(node: NodeRow, nowMs: number) {
  return {
    id: node.id as string,
    name: node.name as string,
    ...{ url: node.url, zone: node.zone, state: node.state as string, volumes: JSON.stringify(node.volumes) },
    ...{ joined_at: node.joinedAt, backfill_position: node.backfillPosition },
    ...{ heartbeat_ms: nowMs, free_bytes: 0, total_bytes: 0 },
  };
}

export function parseNodeRow(row: StoredNode): NodeRow {
  return {
    id: toText(row.id) as NodeId,
    name: toText(row.name) as NodeName,
    url: toText(row.url),
    zone: toText(row.zone),
    state: toText(row.state) as NodeSettings["state"],
    volumes: JSON.parse(toText(row.volumes)) as string[],
    joinedAt: toInteger(row.joined_at),
    backfillPosition: toInteger(row.backfill_position),
  };
}

export function parseNodeRecord(row: StoredNodeNow): NodeRecord {
  return {
    ...parseNodeRow(row),
    // A heartbeat of this very millisecond may have been rounded up.
    heartbeatAgeMs: Math.max(0, toInteger(row.now_ms) - toInteger(row.heartbeat_ms)),
    freeBytes: toInteger(row.free_bytes),
    totalBytes: toInteger(row.total_bytes),
  };
}
