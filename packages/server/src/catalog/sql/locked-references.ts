import type { BlobName } from "../../model/commit-view.js";
import { findUnusable } from "../../model/fence.js";
import type { Debt } from "../catalog.js";
import { toInteger } from "./column-values.js";
import type { CommitRunner } from "./commit/commit-runner.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { formatBlobKey } from "./queries/reference-queries.js";
import type { SqlConnection } from "./sql-connection.js";

/** Asked about under one lock: enough to make the lock worth its while, few enough not to be felt by those who wait. */
const BATCH = 100;

interface LockedReferencesParts {
  readonly queries: CatalogQueries;
  readonly commits: Pick<CommitRunner, "runLocked">;
}

/** Of these blobs, those of which the catalog says, for each one and while nothing is committed, that nothing refers to them. */
export async function confirmUnreferenced(
  parts: LockedReferencesParts,
  blobs: readonly BlobName[],
): Promise<BlobName[]> {
  const confirmed: BlobName[] = [];
  for (let index = 0; index < blobs.length; index += BATCH) {
    const batch = blobs.slice(index, index + BATCH);
    const idle = await parts.commits.runLocked((connection) => findIdle(parts, connection, batch));
    confirmed.push(...idle);
  }
  return confirmed;
}

/** Removes those of the debts that nobody can pay nor need be paid: nothing refers to the blob any more. */
export async function dropIdleDebts(parts: LockedReferencesParts, debts: readonly Debt[]): Promise<number> {
  let dropped = 0;
  for (let index = 0; index < debts.length; index += BATCH) {
    const batch = debts.slice(index, index + BATCH);
    dropped += await parts.commits.runLocked(async (connection) => {
      const idle = await findIdle(parts, connection, batch);
      for (const statement of parts.queries.debts.remove(idle)) await connection.run(statement);
      return idle.length;
    });
  }
  return dropped;
}

async function findIdle<Blob extends BlobName>(
  { queries }: LockedReferencesParts,
  connection: SqlConnection,
  blobs: readonly Blob[],
): Promise<Blob[]> {
  await checkUsable(queries, connection);
  const results = await connection.runAll(blobs.map((blob) => queries.references.checkReference(formatBlobKey(blob))));
  return blobs.filter((blob, index) => {
    const [row] = results[index]?.rows ?? [];
    if (row === undefined) throw new Error(`the catalog did not say whether ${blob.digest} is referred to`);
    return toInteger(row.is_referenced) === 0;
  });
}

/** What a half made catalog, or one that was moved, says of references is no answer. */
async function checkUsable(queries: CatalogQueries, connection: SqlConnection): Promise<void> {
  const [row] = (await connection.run(queries.cluster.findHead({}))).rows;
  if (row === undefined) throw new Error("the catalog has no cluster row");
  const reason = findUnusable({ epoch: toInteger(row.epoch) });
  if (reason !== undefined) throw reason;
}
