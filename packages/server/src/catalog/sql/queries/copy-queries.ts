import type { Digest, NamespaceName } from "@koboldfs/protocol";
import { sql } from "kysely";
import type { BlobCount, BlobSpot, OwedQuestion, StoredBlobRecord } from "../../catalog.js";
import { fromHex, toBigInt, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely } from "../dialect.js";
import { compileQuery, prepareQuery } from "../prepared-query.js";
import type { SqlInteger, SqlText } from "../schema.js";
import type { SqlStatement } from "../sql-connection.js";

export type StoredCount = { files: SqlInteger; bytes: SqlInteger | null };
type StoredBlob = { namespace: SqlText; digest: Uint8Array; size_bytes: SqlInteger | null };
type SpotValues = { digest: Uint8Array; namespace: string; until: Uint8Array; limit: number };

/** Questions about who has which bytes. All but the last are an operator's: rare, and not worth preparing. */
export function createCopyQueries(db: CatalogKysely) {
  /** Blobs that enough of some nodes owe, and that one other node does not owe. */
  const owed = ({ by, atLeast, notBy }: OwedQuestion) =>
    db
      .selectFrom("debts")
      .select(["namespace", "digest"])
      .select((eb) => eb.fn.max("size_bytes").as("size_bytes"))
      .where("node", "in", [...by])
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom("debts as own")
              .select(sql<number>`1`.as("one"))
              .where("own.node", "=", notBy)
              .whereRef("own.namespace", "=", "debts.namespace")
              .whereRef("own.digest", "=", "debts.digest"),
          ),
        ),
      )
      .groupBy(["namespace", "digest"])
      .having((eb) => eb.fn.countAll(), ">=", atLeast);
  const blobs = db
    .selectFrom("journal")
    .select(["namespace", "digest"])
    .select((eb) => eb.fn.max("size_bytes").as("size_bytes"))
    .where("digest", "is not", null)
    // In the order of the index: else each page of a walk would gather all that is behind it.
    .groupBy(["digest", "namespace"]);
  return {
    countOwed: (question: OwedQuestion): SqlStatement<StoredCount> =>
      compileQuery(
        db
          .selectFrom(owed(question).as("owed"))
          .select((eb) => [
            eb.fn.countAll<SqlInteger>().as("files"),
            eb.fn.sum<SqlInteger | null>("size_bytes").as("bytes"),
          ]),
      ),
    listOwed: (question: OwedQuestion, limit: number): SqlStatement<StoredBlob> =>
      compileQuery(
        owed(question).orderBy("namespace").orderBy("digest").limit(limit).$narrowType<{ size_bytes: SqlInteger }>(),
      ),
    countBlobs: prepareQuery<object, StoredCount>("count_blobs", () =>
      db
        .selectFrom(blobs.as("blobs"))
        .select((eb) => [
          eb.fn.countAll<SqlInteger>().as("files"),
          eb.fn.sum<SqlInteger | null>("size_bytes").as("bytes"),
        ]),
    ),
    listBlobs: prepareQuery<SpotValues, StoredBlob>("list_blobs", (slot) =>
      blobs
        .where("digest", ">=", slot("digest"))
        .where("digest", "<=", slot("until"))
        .where((eb) => eb.or([eb("digest", ">", slot("digest")), eb("namespace", ">", slot("namespace"))]))
        .orderBy("digest")
        .orderBy("namespace")
        .limit(slot("limit"))
        .$narrowType<{ namespace: SqlText; digest: Uint8Array }>(),
    ),
  };
}

export function formatSpot(after: BlobSpot, until: string, limit: number): SpotValues {
  return { digest: fromHex(after.digest), namespace: after.namespace, until: fromHex(until), limit };
}

export function parseCountRow(row: StoredCount | undefined): BlobCount {
  return { files: toInteger(row?.files ?? 0), bytes: toBigInt(row?.bytes ?? 0) };
}

export function parseStoredBlobRow(row: StoredBlob): StoredBlobRecord {
  return {
    namespace: toText(row.namespace) as NamespaceName,
    digest: toHex(row.digest) as Digest,
    sizeBytes: toInteger(row.size_bytes ?? 0),
  };
}
