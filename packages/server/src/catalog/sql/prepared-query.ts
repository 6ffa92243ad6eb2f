import type { Compilable } from "kysely";
import type { SqlStatement } from "./sql-connection.js";

/**
 * Kysely needs about 50 µs to build and compile a query, more than SQLite needs to run one. So a hot query is built
 * once with slots where its values belong, and later only its values are put in.
 */
class Slot {
  readonly row: number;
  readonly column: string;

  constructor(row: number, column: string) {
    this.row = row;
    this.column = column;
  }
}

interface Template {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly name?: string;
}

/** More rows share a statement only up to here: it bounds the shapes of one query, and stays below every engine's limit. */
export const MAX_ROWS_PER_STATEMENT = 64;
/** Larger shapes are rare, and not worth a prepared plan in every session; but for the largest, of which many rows are made. */
const MAX_ROWS_OF_NAMED_STATEMENT = 16;

/** A query with named arguments: `build` is called once and gives each argument's slot where its value will stand. */
export function prepareQuery<Arguments extends object, Row>(
  name: string,
  build: (slot: <Name extends keyof Arguments & string>(name: Name) => Arguments[Name]) => Compilable<Row>,
): (values: Arguments) => SqlStatement<Row> {
  let template: Template | undefined;
  return (values) => {
    template ??= compile(
      name,
      build((column) => new Slot(0, column) as unknown as Arguments[typeof column]),
    );
    return fill<Row>(template, [values as Record<string, unknown>]);
  };
}

/** A query over many rows at once: `build` gets rows of slots. Answers as many statements as the rows need. */
export function prepareRows<Values extends object, Row>(
  name: string,
  columns: readonly (keyof Values & string)[],
  build: (rows: Values[]) => Compilable<Row>,
): (rows: readonly Values[]) => SqlStatement<Row>[] {
  const templates = new Map<number, Template>();
  const find = (count: number): Template => {
    const known = templates.get(count);
    if (known !== undefined) return known;
    const isNamed = count <= MAX_ROWS_OF_NAMED_STATEMENT || count === MAX_ROWS_PER_STATEMENT;
    const compiled = compile(isNamed ? `${name}_${count}` : undefined, build(slotRows(columns, count)));
    templates.set(count, compiled);
    return compiled;
  };
  return (rows) => chunk(rows).map((part) => fill<Row>(find(part.length), part as readonly Record<string, unknown>[]));
}

/** Of a query that gives at most one row for each that is asked: so that asking for one may be done by shorter ways. */
export function givingOneEach<Values, Row>(
  prepared: (rows: readonly Values[]) => SqlStatement<Row>[],
): (rows: readonly Values[]) => SqlStatement<Row>[] {
  return (rows) => {
    const statements = prepared(rows);
    return rows.length === 1 ? statements.map((statement) => ({ ...statement, givesOneRow: true })) : statements;
  };
}

function slotRows<Values>(columns: readonly (keyof Values & string)[], count: number): Values[] {
  return Array.from({ length: count }, (_, row) => {
    return Object.fromEntries(columns.map((column) => [column, new Slot(row, column)])) as Values;
  });
}

function chunk<Value>(values: readonly Value[]): (readonly Value[])[] {
  if (values.length === 0) return [];
  if (values.length <= MAX_ROWS_PER_STATEMENT) return [values];
  const count = Math.ceil(values.length / MAX_ROWS_PER_STATEMENT);
  return Array.from({ length: count }, (_, index) => {
    return values.slice(index * MAX_ROWS_PER_STATEMENT, (index + 1) * MAX_ROWS_PER_STATEMENT);
  });
}

function compile(name: string | undefined, query: Compilable<unknown>): Template {
  const { sql, parameters } = query.compile();
  return name === undefined ? { sql, parameters } : { sql, parameters, name };
}

function fill<Row>(template: Template, rows: readonly Record<string, unknown>[]): SqlStatement<Row> {
  const parameters = template.parameters.map((value) =>
    value instanceof Slot ? rows[value.row]?.[value.column] : value,
  );
  return { ...template, parameters };
}

/** A query that is not worth preparing. */
export function compileQuery<Row>(query: Compilable<Row>): SqlStatement<Row> {
  const { sql, parameters } = query.compile();
  return { sql, parameters };
}
