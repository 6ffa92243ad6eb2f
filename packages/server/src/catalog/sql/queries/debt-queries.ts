import type { Digest, NamespaceName, NodeId } from "@koboldfs/protocol";
import type { Selectable } from "kysely";
import type { DebtRef, PlannedDebt } from "../../../model/commit-plan.js";
import type { Debt, DebtCount, DebtSpot } from "../../catalog.js";
import type { BlobName } from "../../../model/commit-view.js";
import { fromHex, toBigInt, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely, SqlDialect } from "../dialect.js";
import { orIgnore, orUpdate } from "../insert-or-update.js";
import type { StoredBlobName } from "./reference-queries.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { DebtsTable, SqlInteger } from "../schema.js";

type StoredDebt = Selectable<DebtsTable>;
type StoredDebtCount = {
  node: DebtsTable["node"]["__select__"];
  files: SqlInteger;
  bytes: SqlInteger | null;
  oldest: SqlInteger;
};

const KEY_COLUMNS = ["node", "namespace", "digest"] as const;
const COLUMNS = [...KEY_COLUMNS, "size_bytes", "copies", "number"] as const;

type DebtKey = { node: string; namespace: string; digest: Uint8Array };

export function createDebtQueries(db: CatalogKysely, dialect: SqlDialect) {
  // A blob that is owed already keeps its age; only how many copies there are is known better now.
  const add = prepareRows<ReturnType<typeof formatDebtRow>, unknown>("add_debts", COLUMNS, (rows) =>
    orUpdate(dialect, db.insertInto("debts").values(rows), { key: KEY_COLUMNS, update: ["copies"] }),
  );
  const remove = prepareRows<DebtKey, unknown>("remove_debts", KEY_COLUMNS, (keys) =>
    db.deleteFrom("debts").where((eb) => eb.or(keys.map((key) => eb.and(key)))),
  );
  const listOwedBy = prepareRows<DebtKey, StoredBlobName>("list_owed_by", KEY_COLUMNS, (keys) =>
    db
      .selectFrom("debts")
      .select(["namespace", "digest"])
      .where((eb) => eb.or(keys.map((key) => eb.and(key)))),
  );
  return {
    add: (debts: readonly PlannedDebt[]) => add(debts.map(formatDebtRow)),
    /** Like `add`, but what is owed already stays as it is. */
    addMissing: prepareRows<ReturnType<typeof formatDebtRow>, unknown>("add_missing_debts", COLUMNS, (rows) =>
      orIgnore(dialect, db.insertInto("debts").values(rows)),
    ),
    remove: (debts: readonly DebtRef[]) => remove(debts.map(formatDebtKey)),
    list: prepareQuery<{ node: string; limit: number; skip: number }, StoredDebt>("list_debts", (slot) =>
      db
        .selectFrom("debts")
        .select(COLUMNS)
        .where("node", "=", slot("node"))
        .orderBy("copies")
        .orderBy("number")
        .limit(slot("limit"))
        .offset(slot("skip")),
    ),
    /** Of all nodes, in the order of the key. */
    listAll: prepareQuery<DebtKey & { limit: number }, StoredDebt>("list_all_debts", (slot) => {
      const [node, namespace, digest] = [slot("node"), slot("namespace"), slot("digest")];
      return db
        .selectFrom("debts")
        .select(COLUMNS)
        .where((eb) =>
          eb.or([
            eb("node", ">", node),
            eb.and([eb("node", "=", node), eb("namespace", ">", namespace)]),
            eb.and([eb("node", "=", node), eb("namespace", "=", namespace), eb("digest", ">", digest)]),
          ]),
        )
        .orderBy("node")
        .orderBy("namespace")
        .orderBy("digest")
        .limit(slot("limit"));
    }),
    /** Of these blobs, those that the node owes. */
    listOwedBy: (node: NodeId, blobs: readonly BlobName[]) =>
      listOwedBy(blobs.map(({ namespace, digest }) => formatDebtKey({ node, namespace, digest }))),
    count: prepareQuery<object, StoredDebtCount>("count_debts", () =>
      db
        .selectFrom("debts")
        .select((eb) => [
          "node",
          eb.fn.countAll<SqlInteger>().as("files"),
          eb.fn.sum<SqlInteger | null>("size_bytes").as("bytes"),
          eb.fn.min<SqlInteger>("number").as("oldest"),
        ])
        .groupBy("node")
        .orderBy("node"),
    ),
  };
}

/** Without a spot: before every debt. */
export function formatDebtSpot(after: DebtSpot | undefined, limit: number): DebtKey & { limit: number } {
  const key = after === undefined ? { node: "", namespace: "", digest: Buffer.alloc(0) } : formatDebtKey(after);
  return { ...key, limit };
}

export function formatDebtRow(debt: PlannedDebt) {
  return { ...formatDebtKey(debt), size_bytes: debt.sizeBytes, copies: debt.copies, number: debt.number };
}

function formatDebtKey(debt: DebtRef): DebtKey {
  return { node: debt.node, namespace: debt.namespace, digest: fromHex(debt.digest) };
}

export function parseDebtRow(row: StoredDebt): Debt {
  return {
    node: toText(row.node) as NodeId,
    namespace: toText(row.namespace) as NamespaceName,
    digest: toHex(row.digest) as Digest,
    sizeBytes: toInteger(row.size_bytes),
    copies: toInteger(row.copies),
  };
}

export function parseDebtCountRow(row: StoredDebtCount): DebtCount {
  return {
    node: toText(row.node) as NodeId,
    files: toInteger(row.files),
    bytes: toBigInt(row.bytes ?? 0),
    oldest: toInteger(row.oldest),
  };
}
