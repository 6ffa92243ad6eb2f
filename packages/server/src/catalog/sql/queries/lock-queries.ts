import type { NamespaceName } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { FileRef } from "../../../model/commit-view.js";
import type { KeyLock } from "../../../model/staged-change.js";
import { toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orIgnore } from "../insert-or-update.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { LocksTable } from "../schema.js";

type StoredLock = Selectable<LocksTable>;
type TransactionKey = { id: string };

const LOCK_COLUMNS = ["namespace", "key", "transaction_id"] as const;

/** The keys that prepared transactions hold. */
export function createLockQueries(db: CatalogKysely, dialect: SqlDialect) {
  return {
    /** Every key that the transaction has staged, but for those that another one holds: after a fork both may. */
    lockStaged: prepareQuery<TransactionKey, unknown>("lock_staged", (slot) =>
      orIgnore(
        dialect,
        db
          .insertInto("locks")
          .columns(LOCK_COLUMNS)
          .expression(db.selectFrom("staged").select(LOCK_COLUMNS).where("transaction_id", "=", slot("id"))),
      ),
    ),
    unlock: prepareQuery<TransactionKey, unknown>("unlock", (slot) =>
      db.deleteFrom("locks").where("transaction_id", "=", slot("id")),
    ),
    find: prepareRows<FileRef, StoredLock>("find_locks", ["namespace", "key"], (refs) =>
      db
        .selectFrom("locks")
        .select(LOCK_COLUMNS)
        .where((eb) =>
          eb.or(refs.map((ref) => eb.and([eb("namespace", "=", ref.namespace), eb("key", "=", ref.key)]))),
        ),
    ),
    /** Locks of the keys that a transaction has staged. */
    findOf: prepareQuery<TransactionKey, StoredLock>("find_locks_of_staged", (slot) =>
      db
        .selectFrom("staged")
        .innerJoin("locks", (join) =>
          join.onRef("locks.namespace", "=", "staged.namespace").onRef("locks.key", "=", "staged.key"),
        )
        .select(["locks.namespace", "locks.key", "locks.transaction_id"])
        .where("staged.transaction_id", "=", slot("id")),
    ),
    /** One lock of the stretch, if there is any. */
    findFrom: prepareQuery<{ namespace: string; from: string }, StoredLock>("find_lock_from", (slot) =>
      db
        .selectFrom("locks")
        .select(LOCK_COLUMNS)
        .where("namespace", "=", slot("namespace"))
        .where("key", ">=", slot("from"))
        .orderBy("key")
        .limit(1),
    ),
  };
}

export function parseLockRow(row: StoredLock): KeyLock {
  return {
    namespace: toText(row.namespace) as NamespaceName,
    key: toText(row.key) as KeyLock["key"],
    transaction: toText(row.transaction_id) as KeyLock["transaction"],
  };
}
