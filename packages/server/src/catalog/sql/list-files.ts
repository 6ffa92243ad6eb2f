import { KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type { FileRecord } from "../../model/change.js";
import { ListPlan } from "../../model/list-plan.js";
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
  checkQuery(query);
  const plan = new ListPlan<FileRecord>(query);
  for (let range = plan.nextRange(); range !== undefined; range = plan.nextRange()) {
    const { rows } = await runner.run(queries.files.list({ namespace, ...range }));
    plan.take(rows.map(parseFileRow));
  }
  return plan.page();
}

function checkQuery({ prefix = "", delimiter, after = "", limit }: ListQuery): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new KoboldError("invalid_request", `limit must be 1 to ${MAX_LIMIT}, not ${limit}`);
  }
  if (delimiter === "") throw new KoboldError("invalid_request", "the delimiter is empty");
  if (![prefix, delimiter ?? "", after].every(isStorable)) {
    throw new KoboldError("invalid_request", "prefix, delimiter and after must be Unicode without NUL");
  }
}
