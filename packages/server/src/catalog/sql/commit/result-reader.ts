import type { SqlResult, SqlStatement } from "../sql-connection.js";

/** Gives the results back in the order in which the statements were given. */
export class ResultReader {
  readonly #results: readonly SqlResult<unknown>[];
  #index = 0;

  constructor(results: readonly SqlResult<unknown>[]) {
    this.#results = results;
  }

  take<Row>(statements: readonly SqlStatement<Row>[]): Row[] {
    const end = this.#index + statements.length;
    const rows = this.#results.slice(this.#index, end).flatMap((result) => result.rows as readonly Row[]);
    this.#index = end;
    return rows;
  }
}
