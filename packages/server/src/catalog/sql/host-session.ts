import type { SqlConnection, SqlResult, SqlResults, SqlStatement } from "./sql-connection.js";

/** A session that can be given up: what runs in it may end, and then whoever holds it takes another one. */
export class HostSession implements SqlConnection {
  readonly #connection: SqlConnection;
  readonly #onEnd: () => void;
  #isGivenUp = false;

  /** `onEnd` is told once it was closed or cut by whoever holds it. */
  constructor(connection: SqlConnection, onEnd: () => void) {
    this.#connection = connection;
    this.#onEnd = onEnd;
  }

  get isUsable(): boolean {
    return !this.#isGivenUp && this.#connection.isUsable;
  }

  run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>> {
    return this.#connection.run(statement);
  }

  runAll<const Statements extends readonly SqlStatement[]>(statements: Statements): Promise<SqlResults<Statements>> {
    return this.#connection.runAll(statements);
  }

  giveUp(): void {
    this.#isGivenUp = true;
  }

  async close(): Promise<void> {
    this.#onEnd();
    await this.#connection.close();
  }

  destroy(): void {
    this.#onEnd();
    this.#connection.destroy();
  }
}
