import type { TransactionState } from "@koboldfs/protocol";
import { type Selectable, sql } from "kysely";
import type { Reservation } from "../../../model/usage.js";
import type { TransactionId, TransactionRow } from "../../../model/transaction.js";
import { toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orUpdate } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { SqlText, TransactionsTable } from "../schema.js";

type StoredTransaction = Selectable<TransactionsTable>;
type TransactionKey = { id: string };

const UPDATED_COLUMNS = [
  ...["state", "expires_ms", "number", "prepared_ms", "finished_ms", "reason"],
  ...["changes", "staged_bytes", "steps", "entry_bytes", "by_namespace", "reserved"],
] as const as readonly (keyof TransactionsTable)[];
const COLUMNS = ["id", "owner", "begun_ms", "ttl_ms", ...UPDATED_COLUMNS] as const;

/** The transactions themselves. */
export function createTransactionQueries(db: CatalogKysely, dialect: SqlDialect) {
  const put = prepareRows<ReturnType<typeof formatTransactionRow>, unknown>("put_transactions", COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("transactions").values(rows), { key: ["id"], update: UPDATED_COLUMNS }),
  );
  const find = prepareRows<TransactionKey, StoredTransaction>("find_transactions", ["id"], (rows) =>
    db.selectFrom("transactions").select(COLUMNS).where("id", "in", listIds(rows)),
  );
  return {
    put: (rows: readonly TransactionRow[]) => put(rows.map(formatTransactionRow)),
    find: (ids: readonly TransactionId[]) => find(ids.map((id) => ({ id }))),
    listUnfinished: prepareQuery<object, StoredTransaction>("list_unfinished_transactions", () =>
      db.selectFrom("transactions").select(COLUMNS).where("state", "in", ["open", "prepared"]),
    ),
    listReserving: prepareQuery<object, StoredTransaction>("list_reserving_transactions", () =>
      db.selectFrom("transactions").select(COLUMNS).where("state", "=", "prepared").where("reserved", "is not", null),
    ),
    list: prepareQuery<{ after: string; limit: number }, StoredTransaction>("list_transactions", (slot) =>
      db.selectFrom("transactions").select(COLUMNS).where("id", ">", slot("after")).orderBy("id").limit(slot("limit")),
    ),
    listInState: prepareQuery<{ state: string; after: string; limit: number }, StoredTransaction>(
      "list_transactions_in_state",
      (slot) =>
        db
          .selectFrom("transactions")
          .select(COLUMNS)
          .where("state", "=", slot("state"))
          .where("id", ">", slot("after"))
          .orderBy("id")
          .limit(slot("limit")),
    ),
    listExpired: prepareQuery<{ limit: number }, StoredTransaction>("list_expired_transactions", (slot) =>
      db
        .selectFrom("transactions")
        .select(COLUMNS)
        .where("state", "=", "open")
        .where("expires_ms", "<=", dialect.nowMs)
        .orderBy("expires_ms")
        .limit(slot("limit")),
    ),
    /** A use that changes nothing. What is finished or prepared meanwhile stays as it is. */
    renew: prepareQuery<TransactionKey, unknown>("renew_transaction", (slot) =>
      db
        .updateTable("transactions")
        .set({ expires_ms: sql<number>`${dialect.nowMs} + ${sql.ref("ttl_ms")}` })
        .where("id", "=", slot("id"))
        .where("state", "=", "open")
        .where("expires_ms", ">", dialect.nowMs),
    ),
    listForgettable: prepareQuery<{ olderThanMs: number; limit: number }, { id: SqlText }>(
      "list_old_transactions",
      (slot) =>
        db
          .selectFrom("transactions")
          .select("id")
          .where("state", "in", ["committed", "aborted"])
          .where((eb) => eb("finished_ms", "<", eb(dialect.nowMs, "-", slot("olderThanMs"))))
          .limit(slot("limit")),
    ),
    remove: prepareRows<TransactionKey, unknown>("remove_transactions", ["id"], (rows) =>
      db.deleteFrom("transactions").where("id", "in", listIds(rows)).where("state", "in", ["committed", "aborted"]),
    ),
  };
}

function listIds(rows: readonly TransactionKey[]): string[] {
  return rows.map(({ id }) => id);
}

function formatTransactionRow(row: TransactionRow) {
  return {
    ...{ id: row.id as string, owner: row.owner, state: row.state as string },
    ...{ begun_ms: row.begunMs, ttl_ms: row.ttlMs, expires_ms: row.expiresMs },
    ...{ number: row.number ?? null, prepared_ms: row.preparedMs ?? null, finished_ms: row.finishedMs ?? null },
    ...{ reason: row.reason ?? null, changes: row.changes, staged_bytes: row.stagedBytes },
    ...{ steps: row.steps, entry_bytes: row.entryBytes, by_namespace: JSON.stringify(row.usage) },
    reserved: Object.keys(row.reserved ?? {}).length === 0 ? null : JSON.stringify(row.reserved),
  };
}

export function parseTransactionRow(row: StoredTransaction): TransactionRow {
  const [number, preparedMs, finishedMs] = [row.number, row.prepared_ms, row.finished_ms];
  return {
    ...{ id: toText(row.id) as TransactionId, owner: toText(row.owner), state: toText(row.state) as TransactionState },
    ...{ begunMs: toInteger(row.begun_ms), ttlMs: toInteger(row.ttl_ms), expiresMs: toInteger(row.expires_ms) },
    ...(number !== null && { number: toInteger(number) }),
    ...(preparedMs !== null && { preparedMs: toInteger(preparedMs) }),
    ...(finishedMs !== null && { finishedMs: toInteger(finishedMs) }),
    ...(row.reason !== null && { reason: toText(row.reason) }),
    ...{ changes: toInteger(row.changes), stagedBytes: toInteger(row.staged_bytes) },
    ...{ steps: toInteger(row.steps), entryBytes: toInteger(row.entry_bytes) },
    usage: JSON.parse(toText(row.by_namespace)) as Record<string, number>,
    ...(row.reserved !== null && { reserved: JSON.parse(toText(row.reserved)) as Record<string, Reservation> }),
  };
}
