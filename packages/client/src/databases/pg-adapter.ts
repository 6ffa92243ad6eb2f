import type { AdapterOptions, DatabaseAdapter, SqlRow, SqlValue } from "./database-adapter.js";
import { beginByStatement } from "./statement-transaction.js";

/** What is needed of a client of the package `pg`. */
export interface PgClient {
  query(text: string, values?: SqlValue[]): Promise<{ readonly rows: readonly SqlRow[] }>;
  release(destroy?: boolean): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
}

/** What is needed of a pool of the package `pg`, whose `connect` may give a richer client. */
export interface PgPool<Client extends PgClient = PgClient> {
  connect(): Promise<Client>;
}

/** PostgreSQL, and what speaks its protocol, through a `Pool` of the package `pg`. The work's `sql` is its client. */
export function createPgAdapter<Client extends PgClient>(
  pool: PgPool<Client>,
  options: AdapterOptions = {},
): DatabaseAdapter<Client> {
  return {
    ...options,
    dialect: "postgres",
    async begin() {
      const client = await pool.connect();
      // A connection that breaks between two statements is told here, and would end the process if nobody listened; the
      // next statement fails.
      const ignore = () => undefined;
      client.on("error", ignore);
      return beginByStatement(
        {
          sql: client,
          query: async (text, values = []) => (await client.query(text, [...values])).rows,
          giveBack: (isBroken) => {
            client.off("error", ignore);
            client.release(isBroken);
          },
        },
        "begin",
      );
    },
  };
}
