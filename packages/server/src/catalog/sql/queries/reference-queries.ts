import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import { sql } from "kysely";
import type { BlobName, VersionRef } from "../../../model/commit-view.js";
import { fromHex, toHex, toInteger, toText } from "../column-values.js";
import type { CatalogKysely } from "../dialect.js";
import { compileQuery, prepareQuery, prepareRows } from "../prepared-query.js";
import type { SqlInteger, SqlText } from "../schema.js";
import type { SqlStatement } from "../sql-connection.js";

export interface StoredBlobName {
  namespace: SqlText;
  digest: Uint8Array;
}

export type StoredName = { namespace: SqlText; key: SqlText; number: SqlInteger };

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
    /** What names the blob or named it, the newest first. */
    listNames: ({ namespace, digest }: BlobName, limit: number): SqlStatement<StoredName> =>
      compileQuery(
        db
          .selectFrom("journal")
          .select(["namespace", "key", "number"])
          .where("digest", "=", fromHex(digest))
          .where("namespace", "=", namespace)
          .orderBy("number", "desc")
          .limit(limit)
          .$narrowType<StoredName>(),
      ),
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

export function parseNameRow(row: StoredName): VersionRef {
  return {
    namespace: toText(row.namespace) as NamespaceName,
    key: toText(row.key) as FileKey,
    version: toInteger(row.number),
  };
}

export function parseBlobName(row: StoredBlobName): BlobName {
  return { namespace: toText(row.namespace) as NamespaceName, digest: toHex(row.digest) as Digest };
}

/** The blobs that are not among those that were found. */
export function withoutThose(blobs: readonly BlobName[], found: readonly StoredBlobName[]): BlobName[] {
  const names = new Set(found.map(parseBlobName).map(formatBlobName));
  return blobs.filter((blob) => !names.has(formatBlobName(blob)));
}

function formatBlobName({ namespace, digest }: BlobName): string {
  return `${namespace}/${digest}`;
}
