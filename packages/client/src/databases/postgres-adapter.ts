import { beginByCallback } from "./callback-transaction.js";
import type { AdapterOptions, DatabaseAdapter, SqlRow, SqlValue } from "./database-adapter.js";

/** What is needed of a transaction of the package `postgres`. */
export interface PostgresTransaction {
  unsafe(text: string, values?: SqlValue[]): PromiseLike<readonly SqlRow[]>;
}

/** What is needed of what the package `postgres` makes. */
export interface PostgresSql<Transaction extends PostgresTransaction = PostgresTransaction> {
  begin(work: (transaction: Transaction) => Promise<void>): Promise<unknown>;
}

/**
 * PostgreSQL through the package `postgres`. The work's `sql` is that of its `begin`. As of its version 3.4.9 a connection that
 * breaks may throw outside of every promise, which ends the process, or never answer (its issues 1154 and 1208): the recovery
 * makes good what that leaves, and `pg` does not have it.
 */
export function createPostgresAdapter<Transaction extends PostgresTransaction>(
  sql: PostgresSql<Transaction>,
  options: AdapterOptions = {},
): DatabaseAdapter<Transaction> {
  return {
    ...options,
    dialect: "postgres",
    begin: () =>
      beginByCallback((hold) =>
        sql.begin((transaction) =>
          hold({ sql: transaction, query: async (text, values = []) => transaction.unsafe(text, [...values]) }),
        ),
      ),
  };
}
