import type { SqlDialect } from "./dialect.js";
import type { SqlConnection } from "./sql-connection.js";

/**
 * What a session is for. `commit` holds the journal's lock and must lose it soon when its node stands still;
 * `prepare` waits its turn to migrate; `read` is everything else.
 */
export type SessionPurpose = "commit" | "prepare" | "read";

export interface SessionTimeouts {
  /** For a lock that another session holds. */
  readonly lockMs: number;
  /** For one statement, locks included. */
  readonly statementMs: number;
  /** For the next statement inside a transaction: how long a holder may stand still. */
  readonly idleInTransactionMs: number;
  /** For an answer, seen from here: behind the engine's own timeouts, for an engine that does not answer at all. */
  readonly answerMs: number;
}

/**
 * A holder of the journal's lock that vanished or stands still is thrown out after 2 s, so that whoever waits has the
 * lock well within 5 s. Who waits longer than 4 s gives up and tries again.
 */
export const SESSION_TIMEOUTS: Readonly<Record<SessionPurpose, SessionTimeouts>> = {
  commit: { lockMs: 4000, statementMs: 5000, idleInTransactionMs: 2000, answerMs: 7000 },
  prepare: { lockMs: 60_000, statementMs: 60_000, idleInTransactionMs: 60_000, answerMs: 70_000 },
  read: { lockMs: 4000, statementMs: 10_000, idleInTransactionMs: 2000, answerMs: 12_000 },
};

export const CONNECT_TIMEOUT_MS = 3000;

/** A database server at the other end of a connection. */
export interface NetworkEngine {
  /** For people: `postgres`, `mariadb`, `mysql`; known after the first session was opened. */
  readonly name: string;
  readonly dialect: SqlDialect;
  /** Opens a session on the host that accepts writes. Rejects with the driver's error. */
  connect(purpose: SessionPurpose): Promise<SqlConnection>;
  /** For one listener: told when another host takes over, before anything is asked of it. */
  watchHost(onSwitch: () => void): void;
  /** Called whenever the catalog is used: where there are several hosts, another one may be the one by now. */
  noteUse(): void;
}
