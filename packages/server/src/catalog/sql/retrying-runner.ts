import type { Clock } from "../../runtime/clock.js";
import { pauseMs } from "./backoff.js";
import type { SqlDialect } from "./dialect.js";
import { classifyFailure, translateFailure } from "./sql-failure.js";
import type { SqlResult, SqlRunner, SqlStatement } from "./sql-connection.js";

/** A session that was cut while nobody used it fails once; a database that is away fails again at once. */
const MAX_ATTEMPTS = 3;
const PAUSE = { firstMs: 10, longestMs: 200 };

/**
 * Runs single statements that are each their own transaction and do no harm when they run twice: reads, and the
 * writes outside the journal. Tries again when the session was cut or the statement collided with another.
 */
export class RetryingRunner implements SqlRunner {
  readonly #runner: SqlRunner;
  readonly #dialect: SqlDialect;
  readonly #clock: Clock;

  constructor(options: { runner: SqlRunner; dialect: SqlDialect; clock: Clock }) {
    this.#runner = options.runner;
    this.#dialect = options.dialect;
    this.#clock = options.clock;
  }

  /** Throws `catalog_unavailable`, `commit_contended`, or `internal` when the statement itself is at fault. */
  async run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#runner.run(statement);
      } catch (error) {
        const failure = classifyFailure(this.#dialect, error);
        const isWorthAnother = failure === "contended" || failure === "disconnected";
        if (!isWorthAnother || attempt === MAX_ATTEMPTS) throw translateFailure(failure, error);
      }
      await this.#clock.sleep(pauseMs(attempt, PAUSE));
    }
  }
}
