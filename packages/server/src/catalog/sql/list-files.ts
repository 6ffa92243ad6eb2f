import { KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type { FileRecord } from "../../model/change.js";
import { type KeyRange, ListPlan } from "../../model/list-plan.js";
import { isStorable } from "../../model/storable-text.js";
import type { ListPage, ListQuery } from "../catalog.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { parseFileRow } from "./queries/file-queries.js";
import type { SqlRunner } from "./sql-connection.js";

const MAX_LIMIT = 1000;

/** Throws `invalid_request` for a limit, prefix, delimiter or position that no listing can have. */
export async function listFiles(
  { runner, queries }: { runner: SqlRunner; queries: CatalogQueries },
  namespace: NamespaceName,
  query: ListQuery,
): Promise<ListPage> {
  return listPage(query, async (range) => {
    const { rows } = await runner.run(queries.files.list({ namespace, ...range }, {}));
    return rows.map(parseFileRow);
  });
}

/** Reads the first `limit` files of a stretch, in the order of their keys. */
export type ReadRange = (range: KeyRange) => Promise<readonly FileRecord[]>;

/** A page over any source of files. Throws as `listFiles`. */
export async function listPage(query: ListQuery, read: ReadRange): Promise<ListPage> {
  checkListQuery(query);
  const plan = new ListPlan<FileRecord>(query);
  for (let range = plan.nextRange(); range !== undefined; range = plan.nextRange()) plan.take(await read(range));
  return plan.page();
}

export function checkListQuery({ prefix = "", delimiter, after = "", limit }: ListQuery): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new KoboldError("invalid_request", `limit must be 1 to ${MAX_LIMIT}, not ${limit}`);
  }
  if (delimiter === "") throw new KoboldError("invalid_request", "the delimiter is empty");
  if (![prefix, delimiter ?? "", after].every(isStorable)) {
    throw new KoboldError("invalid_request", "prefix, delimiter and after must be Unicode without NUL");
  }
}
