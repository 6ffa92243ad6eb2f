import { sql } from "kysely";
import { RETIRED_EPOCH } from "../../../model/fence.js";
import { toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orIgnore } from "../insert-or-update.js";
import { prepareQuery } from "../prepared-query.js";
import type { SqlInteger, SqlText } from "../schema.js";

export interface StoredHead {
  head_number: SqlInteger;
  head_hash: Uint8Array;
  time_ms: SqlInteger;
  now_ms: SqlInteger;
  has_debts: SqlInteger;
  has_blobs: SqlInteger;
  epoch: SqlInteger;
}

const NEWEST_EPOCH = sql`case when min(epoch) = ${sql.lit(RETIRED_EPOCH)} then min(epoch) else coalesce(max(epoch), 0) end`;
const EPOCH = sql<SqlInteger>`(select ${NEWEST_EPOCH} from epochs)`.as("epoch");

export type FoundHead = Pick<StoredHead, "head_number" | "head_hash" | "time_ms" | "epoch">;

export function createClusterQueries(db: CatalogKysely, dialect: SqlDialect) {
  return {
    /** The journal's lock: a write, so that it holds on engines that certify writes only (Galera). */
    lock: prepareQuery<object, unknown>("lock_head", () =>
      db
        .updateTable("cluster")
        .set({ lock_count: sql<number>`${sql.ref("lock_count")} + 1` })
        .where("id", "=", 1),
    ),
    /** The head as it is under the lock, and what is worth knowing in the same round trip. */
    readHead: prepareQuery<object, StoredHead>("read_head", () =>
      db
        .selectFrom("cluster")
        .select(["head_number", "head_hash", "time_ms"])
        .select([
          dialect.nowMs.as("now_ms"),
          sql<number>`case when exists (select 1 from debts) then 1 else 0 end`.as("has_debts"),
          sql<number>`case when exists (select 1 from journal where digest is not null) then 1 else 0 end`.as(
            "has_blobs",
          ),
          EPOCH,
        ])
        .where("id", "=", 1),
    ),
    moveHead: prepareQuery<{ number: number; hash: Uint8Array; timeMs: number }, unknown>("move_head", (slot) =>
      db
        .updateTable("cluster")
        .set({ head_number: slot("number"), head_hash: slot("hash"), time_ms: slot("timeMs") })
        .where("id", "=", 1),
    ),
    findHead: prepareQuery<object, FoundHead>("find_head", () =>
      db.selectFrom("cluster").select(["head_number", "head_hash", "time_ms"]).select([EPOCH]).where("id", "=", 1),
    ),
    findClusterId: prepareQuery<object, { cluster_id: SqlText }>("find_cluster_id", () =>
      db.selectFrom("cluster").select("cluster_id").where("id", "=", 1),
    ),
    /** Several openers may try at once: the first one names the cluster. */
    create: prepareQuery<{ clusterId: string; genesis: Uint8Array }, unknown>("create_cluster", (slot) =>
      orIgnore(
        dialect,
        db.insertInto("cluster").values({
          ...{ id: 1, cluster_id: slot("clusterId"), head_number: 0, head_hash: slot("genesis") },
          ...{ time_ms: 0, lock_count: 0 },
        }),
      ),
    ),
  };
}

export function parseHeadRow(row: StoredHead) {
  return {
    head: { number: toInteger(row.head_number), hash: toHex(row.head_hash), timeMs: toInteger(row.time_ms) },
    nowMs: toInteger(row.now_ms),
    epoch: toInteger(row.epoch),
    hasDebts: toInteger(row.has_debts) === 1,
    hasBlobs: toInteger(row.has_blobs) === 1,
  };
}

export function parseFoundHead(row: FoundHead) {
  return { number: toInteger(row.head_number), hash: toHex(row.head_hash), epoch: toInteger(row.epoch) };
}

export function parseClusterId(row: { cluster_id: SqlText }): string {
  return toText(row.cluster_id);
}
