import type { Socket } from "node:net";
import pg from "pg";
import type { SqlConnection, SqlResult, SqlResults, SqlStatement } from "../sql-connection.js";
import { ConnectionCut } from "../sql-failure.js";

/** One PostgreSQL session. Several statements go out in one write, and their answers come back in one. */
export class PostgresConnection implements SqlConnection {
  readonly #client: pg.Client;
  readonly #answerMs: number;
  #isUsable = true;

  /** `client` is connected, in pipeline mode. `answerMs`: cut the session when an answer takes longer. */
  constructor(client: pg.Client, answerMs: number) {
    this.#client = client;
    this.#answerMs = answerMs;
    client.on("error", () => this.destroy());
    client.on("end", () => this.destroy());
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  async run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>> {
    const [result] = await this.runAll([statement]);
    return result as SqlResult<Row>;
  }

  async runAll<const Statements extends readonly SqlStatement[]>(
    statements: Statements,
  ): Promise<SqlResults<Statements>> {
    if (!this.#isUsable) throw new ConnectionCut("the session is gone");
    const timer = setTimeout(() => this.destroy(), this.#answerMs);
    try {
      return (await Promise.all(this.#sendAll(statements))) as SqlResults<Statements>;
    } catch (error) {
      throw this.#isUsable || error instanceof pg.DatabaseError
        ? error
        : new ConnectionCut(describe(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The driver writes each statement by itself; held back for a moment, they leave in one packet. */
  #sendAll(statements: readonly SqlStatement[]): Promise<SqlResult<unknown>>[] {
    const socket = findSocket(this.#client);
    socket.cork();
    try {
      return statements.map((statement) => this.#send(statement));
    } finally {
      socket.uncork();
    }
  }

  async #send(statement: SqlStatement): Promise<SqlResult<unknown>> {
    const { sql: text, parameters, name } = statement;
    const values = [...parameters];
    const result = await this.#client.query<Record<string, unknown>>(
      name === undefined ? { text, values } : { name, text, values },
    );
    // PostgreSQL answers ROLLBACK, and no error, to the COMMIT of a transaction in which something failed.
    if (text === "commit" && result.command !== "COMMIT") throw new Error("the transaction was rolled back");
    return { rows: result.rows, affected: result.rowCount ?? 0 };
  }

  async close(): Promise<void> {
    if (!this.#isUsable) return;
    this.#isUsable = false;
    await this.#client.end();
  }

  destroy(): void {
    if (!this.#isUsable) return;
    this.#isUsable = false;
    findSocket(this.#client).destroy();
  }
}

/** The driver knows no public way to cut a session; `end` would wait for what runs. */
function findSocket(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
