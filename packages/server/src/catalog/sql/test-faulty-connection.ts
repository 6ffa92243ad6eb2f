import type { FaultPlan } from "../conformance/fault-plan.js";
import type { SqlConnection, SqlResult, SqlResults, SqlStatement } from "./sql-connection.js";
import { ConnectionCut } from "./sql-failure.js";
import { plainStatement } from "./sql-connection.js";

/** A session that breaks at the statement that the plan names; each statement goes out alone, so that each can. */
export class FaultyConnection implements SqlConnection {
  readonly #inner: SqlConnection;
  readonly #faults: FaultPlan;
  readonly #makeContention: () => Error;
  #isStalled = false;

  constructor(inner: SqlConnection, faults: FaultPlan, makeContention: () => Error) {
    this.#inner = inner;
    this.#faults = faults;
    this.#makeContention = makeContention;
  }

  get isUsable(): boolean {
    return this.#inner.isUsable && !this.#isStalled;
  }

  async run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>> {
    if (this.#isStalled) throw new ConnectionCut("the session seems to be gone");
    // What cleans up after a fault is no step of its own.
    const fault = statement.sql === "rollback" ? undefined : this.#faults.next(statement.sql);
    switch (fault) {
      case undefined:
        return this.#inner.run(statement);
      case "wait":
        await this.#faults.wait();
        return this.#inner.run(statement);
      case "stall":
        this.#isStalled = true;
        throw new ConnectionCut("the session seems to be gone");
      case "contend":
        await this.#rollBack();
        throw this.#makeContention();
      case "cut-during":
        // Nobody waits for the answer: it is what got lost.
        this.#inner.run(statement).catch(() => {});
        break;
      case "cut-after":
        await this.#inner.run(statement);
        break;
      case "cut-before":
        break;
    }
    this.#inner.destroy();
    throw new ConnectionCut(`the session was cut: ${fault}`);
  }

  async runAll<const Statements extends readonly SqlStatement[]>(
    statements: Statements,
  ): Promise<SqlResults<Statements>> {
    const results: SqlResult<unknown>[] = [];
    for (const statement of statements) results.push(await this.run(statement));
    return results as SqlResults<Statements>;
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  /** A session that seems broken cannot be cut from here: at the engine it goes on with what it was told. */
  destroy(): void {
    if (this.#isStalled) void this.#faults.giveUp({ commitLate: () => this.#commitLate() });
    else this.#inner.destroy();
  }

  async #commitLate(): Promise<boolean> {
    try {
      await this.#inner.run(plainStatement("commit"));
      return true;
    } catch {
      return false;
    } finally {
      this.#inner.destroy();
    }
  }

  /** There may be no transaction yet to roll back. */
  async #rollBack(): Promise<void> {
    try {
      await this.#inner.run(plainStatement("rollback"));
    } catch (error) {
      if (!this.#inner.isUsable) throw error;
    }
  }
}
