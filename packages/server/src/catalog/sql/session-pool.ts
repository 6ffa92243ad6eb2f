import { KoboldError } from "@koboldfs/protocol";
import type { SqlDialect } from "./dialect.js";
import type { SqlConnection, SqlResult, SqlRunner, SqlStatement } from "./sql-connection.js";
import { classifyFailure } from "./sql-failure.js";

/** Reads take well under a millisecond; a few sessions serve thousands a second, and a cluster has several nodes. */
const MAX_SESSIONS = 6;
/** Beyond this a database does not keep up, and waiting only makes it worse. */
const MAX_WAITING = 2000;

type Waiting = { resolve(session: SqlConnection): void; reject(error: unknown): void };

export interface SessionPoolOptions {
  readonly connect: () => Promise<SqlConnection>;
  readonly dialect: SqlDialect;
  /** Called with every statement. */
  readonly onUse?: () => void;
  /** How many it opens at most. */
  readonly maxSessions?: number;
}

/** Runs single statements, each in whichever session is free; opens sessions when there is need, replaces lost ones. */
export class SessionPool implements SqlRunner {
  readonly #connect: () => Promise<SqlConnection>;
  readonly #dialect: SqlDialect;
  readonly #onUse: () => void;
  readonly #maxSessions: number;
  readonly #free: SqlConnection[] = [];
  readonly #waiting: Waiting[] = [];
  #open = 0;
  #isClosed = false;

  constructor(options: SessionPoolOptions) {
    this.#connect = options.connect;
    this.#dialect = options.dialect;
    this.#onUse = options.onUse ?? (() => {});
    this.#maxSessions = options.maxSessions ?? MAX_SESSIONS;
  }

  async run<Row>(statement: SqlStatement<Row>): Promise<SqlResult<Row>> {
    this.#onUse();
    const session = await this.#take();
    try {
      return await session.run(statement);
    } catch (error) {
      // Also a session that still answers: it may be on a host that no longer accepts writes.
      if (classifyFailure(this.#dialect, error) === "disconnected") session.destroy();
      throw error;
    } finally {
      this.#giveBack(session);
    }
  }

  async #take(): Promise<SqlConnection> {
    if (this.#isClosed) throw new KoboldError("shutting_down", "the catalog is being closed");
    for (let session = this.#free.pop(); session !== undefined; session = this.#free.pop()) {
      if (session.isUsable) return session;
      this.#open -= 1;
      session.destroy();
    }
    if (this.#open < this.#maxSessions) return this.#openSession();
    if (this.#waiting.length >= MAX_WAITING) throw new KoboldError("overloaded", "too many reads wait for the catalog");
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async #openSession(): Promise<SqlConnection> {
    this.#open += 1;
    try {
      return await this.#connect();
    } catch (error) {
      this.#open -= 1;
      // Who waits for a session of ours would wait for ever: the database is away for all of them.
      if (this.#open === 0) for (const one of this.#waiting.splice(0)) one.reject(error);
      throw error;
    }
  }

  #giveBack(session: SqlConnection): void {
    if (session.isUsable && !this.#isClosed) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(session);
      else next.resolve(session);
      return;
    }
    this.#open -= 1;
    session.destroy();
    const next = this.#waiting.shift();
    if (next !== undefined)
      this.#openSession().then(
        (opened) => next.resolve(opened),
        (error: unknown) => next.reject(error),
      );
  }

  /** Cuts nothing that runs: those sessions end when they are given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const reason = new KoboldError("shutting_down", "the catalog is being closed");
    for (const one of this.#waiting.splice(0)) one.reject(reason);
    await Promise.all(this.#free.splice(0).map((session) => session.close()));
  }
}
