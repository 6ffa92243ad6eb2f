import type { FormerVersion } from "../../../model/change.js";
import {
  type CommitView,
  type FormerNeed,
  formatVersionRef,
  type KeyDifference,
  MAX_PURGED_VERSIONS,
  MAX_RESTORED_KEYS,
  type ViewNeeds,
} from "../../../model/commit-view.js";
import { findPrefixSuccessor } from "../../../model/key-order.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import { type FileRow, parseFileRow } from "../queries/file-queries.js";
import { parseVersionRow, type VersionRow } from "../queries/version-queries.js";
import type { SqlStatement } from "../sql-connection.js";
import type { ResultReader } from "./result-reader.js";

/** What of the past a commit decides on; nearly always nothing, and past no statement. */
export interface HistoryStatements {
  readonly formers: readonly SqlStatement<VersionRow>[];
  readonly now: readonly SqlStatement<FileRow>[];
  readonly past: readonly SqlStatement<VersionRow>[];
}

export function formatHistoryStatements({ versions, files }: CatalogQueries, needs: ViewNeeds): HistoryStatements {
  const single = needs.formers.flatMap((need) =>
    typeof need.which === "number" ? [{ ...need, version: need.which }] : [],
  );
  const newest = needs.formers.filter((need) => need.which === "newest");
  const whole = needs.formers.filter((need) => need.which === "all").map(formatWholeHistory);
  const formers = [...versions.find(single), ...versions.findNewest(newest), ...whole.map(versions.listOfKey)];
  if (needs.restore === undefined) return { formers, now: [], past: [] };
  const { namespace, prefix, asOf } = needs.restore;
  // One more than is allowed tells that there are more.
  const rest = { isFromIncluded: true, to: findPrefixSuccessor(prefix), limit: MAX_RESTORED_KEYS + 1 };
  const range = { namespace, from: prefix, ...rest };
  return { formers, now: [files.listSince(range, asOf)], past: [versions.listStoredAsOf(range, asOf)] };
}

function formatWholeHistory({ namespace, key }: FormerNeed) {
  return { namespace, key, before: Number.MAX_SAFE_INTEGER, horizon: -1, limit: MAX_PURGED_VERSIONS };
}

export function listHistoryStatements({ formers, now, past }: HistoryStatements): SqlStatement[] {
  return [...formers, ...now, ...past];
}

export function readHistory(
  reader: ResultReader,
  statements: HistoryStatements,
): Pick<CommitView, "formers" | "differences"> {
  const formers = reader.take(statements.formers).map(parseVersionRow);
  const now = reader.take(statements.now).map(parseFileRow);
  const past = reader.take(statements.past).map(parseVersionRow);
  const differences = new Map<string, KeyDifference>(now.map((file) => [file.key, { key: file.key, now: file }]));
  for (const former of past) {
    differences.set(former.key, { ...differences.get(former.key), key: former.key, was: former });
  }
  return { formers: dropRepeated(formers), differences: [...differences.values()] };
}

/** Two changes of one group may ask for the same version. */
function dropRepeated(formers: readonly FormerVersion[]): FormerVersion[] {
  return [...new Map(formers.map((former) => [formatVersionRef(former), former])).values()];
}
