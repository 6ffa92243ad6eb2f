import type { Connection, FieldPacket, QueryResult } from "mysql2/promise";
import type { SqlConnection, SqlResult, SqlResults, SqlStatement } from "../sql-connection.js";
import { ConnectionCut } from "../sql-failure.js";

/**
 * One MySQL or MariaDB session. The protocol has no pipeline: several statements go out as one text instead, with
 * their values escaped by the driver, which is sound because every session sets its character set and SQL mode.
 */
export class MysqlConnection implements SqlConnection {
  readonly #connection: Connection;
  readonly #answerMs: number;
  #isUsable = true;
  #failRunning: ((reason: Error) => void) | undefined;

  /** `connection` takes multiple statements. `answerMs`: cut the session when an answer takes longer. */
  constructor(connection: Connection, answerMs: number) {
    this.#connection = connection;
    this.#answerMs = answerMs;
    connection.on("error", () => this.destroy());
    connection.on("end", () => this.destroy());
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  async run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>> {
    const [results] = await this.#query(this.#format(statement));
    return formatResult(results) as SqlResult<Row>;
  }

  async runAll<const Statements extends readonly SqlStatement[]>(
    statements: Statements,
  ): Promise<SqlResults<Statements>> {
    const [only] = statements;
    if (only === undefined) return [] as unknown as SqlResults<Statements>;
    if (statements.length === 1) return [await this.run(only)] as unknown as SqlResults<Statements>;
    const [results] = await this.#query(statements.map((statement) => this.#format(statement)).join(";\n"));
    return (results as unknown as QueryResult[]).map(formatResult) as SqlResults<Statements>;
  }

  #format({ sql, parameters }: SqlStatement): string {
    return parameters.length === 0 ? sql : this.#connection.format(sql, [...parameters]);
  }

  async #query(text: string): Promise<[QueryResult, FieldPacket[]]> {
    if (!this.#isUsable) throw new ConnectionCut("the session is gone");
    const timer = setTimeout(() => this.destroy(), this.#answerMs);
    try {
      return await this.#ask(text);
    } catch (error) {
      if (isFatal(error)) this.destroy();
      if (!this.#isUsable)
        throw new ConnectionCut(error instanceof Error ? error.message : String(error), { cause: error });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The driver forgets what runs when a session is cut; whoever waits for it must be told. */
  #ask(text: string): Promise<[QueryResult, FieldPacket[]]> {
    return new Promise((resolve, reject) => {
      this.#failRunning = reject;
      this.#connection.query(text).then(resolve, reject);
    });
  }

  async close(): Promise<void> {
    if (!this.#isUsable) return;
    this.#isUsable = false;
    await this.#connection.end();
  }

  destroy(): void {
    if (!this.#isUsable) return;
    this.#isUsable = false;
    this.#connection.destroy();
    this.#failRunning?.(new ConnectionCut("the session was cut"));
  }
}

function isFatal(error: unknown): boolean {
  return error instanceof Error && "fatal" in error && error.fatal === true;
}

function formatResult(result: QueryResult): SqlResult<unknown> {
  if (Array.isArray(result)) return { rows: result, affected: result.length };
  return { rows: [], affected: result.affectedRows };
}
