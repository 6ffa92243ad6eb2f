/** A compiled query with its parameters. `Row` is what it gives back. */
export interface SqlStatement<Row = unknown> {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Same name, same text: engines that can keep the statement prepared under it. */
  readonly name?: string;
  /** It gives one row or none: engines may ask for no more. */
  readonly givesOneRow?: boolean;
  /** Never set; carries the row type. */
  readonly row?: Row;
}

export interface SqlResult<Row> {
  readonly rows: readonly Row[];
  /** Rows inserted, deleted, or matched by an update. */
  readonly affected: number;
}

export type SqlResults<Statements extends readonly SqlStatement[]> = {
  [Index in keyof Statements]: Statements[Index] extends SqlStatement<infer Row> ? SqlResult<Row> : never;
};

export interface SqlRunner {
  /** Rejects with the driver's own error; `SqlDialect.classify` says what it means. */
  run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>>;
}

/** One session. Not for concurrent use: the next call waits for the one before. */
export interface SqlConnection extends SqlRunner {
  /**
   * Runs the statements in order, in as few round trips as the engine allows, and rejects with the first failure.
   * After a failure later statements may have been sent but had no effect, when the whole is one transaction.
   */
  runAll<const Statements extends readonly SqlStatement[]>(statements: Statements): Promise<SqlResults<Statements>>;
  /** False after the connection was cut, whoever did it. */
  readonly isUsable: boolean;
  /** Ends it politely. Idempotent. */
  close(): Promise<void>;
  /** Cuts it at once, in the middle of whatever runs. Idempotent. */
  destroy(): void;
}

/** A statement without parameters. */
export function plainStatement<Row = unknown>(sql: string): SqlStatement<Row> {
  return { sql, parameters: [] };
}
