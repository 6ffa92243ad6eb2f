import type { Digest, NamespaceName } from "@koboldfs/protocol";
import { sql } from "kysely";
import type { BlobName } from "../../../model/commit-view.js";
import { fromHex, toHex, toText } from "../column-values.js";
import type { CatalogKysely } from "../dialect.js";
import { prepareQuery, prepareRows } from "../prepared-query.js";
import type { SqlInteger, SqlText } from "../schema.js";

export interface StoredBlobName {
  namespace: SqlText;
  digest: Uint8Array;
}

export type BlobKey = { namespace: string; digest: Uint8Array };

/**
 * What refers to a blob: the entries that name it, since those of versions that nobody can read any more are removed,
 * and what is staged in a transaction. Whoever adds another kind of reference adds it to both queries here, or its bytes
 * are reaped.
 */
export function createReferenceQueries(db: CatalogKysely) {
  const listReferenced = prepareRows<BlobKey, StoredBlobName>("list_referenced", ["namespace", "digest"], (keys) =>
    db
      .selectFrom("journal")
      .select(["namespace", "digest"])
      .distinct()
      .where((eb) => eb.or(keys.map((key) => eb.and(key))))
      .union(
        db
          .selectFrom("staged")
          .select(["namespace", "digest"])
          .where((eb) => eb.or(keys.map((key) => eb.and(key)))),
      )
      .$narrowType<StoredBlobName>(),
  );
  return {
    /** Of these blobs, those that something refers to; each once. */
    listReferenced: (blobs: readonly BlobName[]) => listReferenced(blobs.map(formatBlobKey)),
    /** One row that says yes or no: the lack of an answer is none. */
    checkReference: prepareQuery<BlobKey, { is_referenced: SqlInteger }>("check_reference", (slot) => {
      const [namespace, digest] = [slot("namespace"), slot("digest")];
      const entry = sql`select 1 from journal where namespace = ${namespace} and digest = ${digest}`;
      const staged = sql`select 1 from staged where namespace = ${namespace} and digest = ${digest}`;
      return db
        .selectFrom("cluster")
        .select(sql<number>`case when exists (${entry}) or exists (${staged}) then 1 else 0 end`.as("is_referenced"))
        .where("id", "=", 1);
    }),
  };
}

export function formatBlobKey({ namespace, digest }: BlobName): BlobKey {
  return { namespace, digest: fromHex(digest) };
}

export function parseBlobName(row: StoredBlobName): BlobName {
  return { namespace: toText(row.namespace) as NamespaceName, digest: toHex(row.digest) as Digest };
}
