import type { NamespaceName } from "@koboldfs/protocol";
import type { ExpressionBuilder, RawBuilder, SelectQueryBuilder } from "kysely";
import { prepareQuery } from "../prepared-query.js";
import type { CatalogTables } from "../schema.js";
import type { SqlStatement } from "../sql-connection.js";

/** A stretch of one namespace in the byte order of its keys. */
export interface FileRange {
  readonly namespace: NamespaceName;
  readonly from: string;
  /** Whether `from` itself belongs to the range. */
  readonly isFromIncluded: boolean;
  /** The first key behind the range; undefined: to the namespace's end. */
  readonly to: string | undefined;
  readonly limit: number;
}

/** A moment of the journal, as columns of integers are compared with it. */
export type AsOf = { number: number; timeMs: number };

/** Tables whose rows are content of keys. */
type ContentTable = "files" | "versions" | "staged";
type RangeValues = { namespace: string; from: string; to: string; limit: number };
type Slots<Arguments> = <Name extends keyof Arguments & string>(name: Name) => Arguments[Name];
type Bound = <Table extends ContentTable, Row>(
  query: SelectQueryBuilder<CatalogTables, Table, Row>,
) => SelectQueryBuilder<CatalogTables, Table, Row>;

/** That a row of the table has time left at the moment. */
export function notExpired<Table extends ContentTable>(table: Table, timeMs: RawBuilder<number> | number) {
  return (eb: ExpressionBuilder<CatalogTables, Table>) =>
    eb.or([eb(`${table}.expires_ms` as never, "is", null), eb(`${table}.expires_ms` as never, ">", timeMs as never)]);
}

/**
 * A query over a stretch of keys, prepared once for each shape that a stretch can have. `build` puts `bound` around its
 * query, which adds the stretch, the order and the limit.
 */
export function prepareRanges<Arguments extends object, Row>(
  name: string,
  build: (bound: Bound, slot: Slots<Arguments>) => SelectQueryBuilder<CatalogTables, ContentTable, Row>,
): (range: FileRange, values: Arguments) => SqlStatement<Row> {
  const prepare = (comparison: ">" | ">=", isBounded: boolean) =>
    prepareQuery<RangeValues & Arguments, Row>(
      `${name}_${comparison === ">" ? "behind" : "from"}_${isBounded}`,
      (slot) => build((query) => boundBy(query, { slot: slot as Slots<RangeValues>, comparison, isBounded }), slot),
    );
  const [from, fromTo] = [prepare(">=", false), prepare(">=", true)];
  const [behind, behindTo] = [prepare(">", false), prepare(">", true)];
  return ({ namespace, from: first, isFromIncluded, to, limit }, values) => {
    const all = { ...values, namespace, from: first, to: to ?? "", limit };
    if (to === undefined) return isFromIncluded ? from(all) : behind(all);
    return isFromIncluded ? fromTo(all) : behindTo(all);
  };
}

interface RangeShape {
  readonly slot: Slots<RangeValues>;
  readonly comparison: ">" | ">=";
  readonly isBounded: boolean;
}

function boundBy<Table extends ContentTable, Row>(
  query: SelectQueryBuilder<CatalogTables, Table, Row>,
  { slot, comparison, isBounded }: RangeShape,
): SelectQueryBuilder<CatalogTables, Table, Row> {
  // Both tables have these columns; the builder cannot see that of a table that it does not know yet.
  const open = query as unknown as SelectQueryBuilder<CatalogTables, "files", Row>;
  const ranged = open
    .where("namespace", "=", slot("namespace"))
    .where("key", comparison, slot("from"))
    .orderBy("key")
    .limit(slot("limit"));
  const closed = isBounded ? ranged.where("key", "<", slot("to")) : ranged;
  return closed as unknown as SelectQueryBuilder<CatalogTables, Table, Row>;
}
