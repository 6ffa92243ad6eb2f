import type { AdapterOptions, DatabaseAdapter, SqlRow, SqlValue } from "./database-adapter.js";
import { beginByStatement } from "./statement-transaction.js";

/** What is needed of a connection of `mysql2/promise`. */
export interface MysqlConnection {
  query(text: string, values?: SqlValue[]): Promise<readonly [unknown, ...unknown[]]>;
  release(): void;
  destroy(): void;
}

/** What is needed of a pool of `mysql2/promise`. */
export interface MysqlPool<Connection extends MysqlConnection = MysqlConnection> {
  getConnection(): Promise<Connection>;
}

/** MySQL and MariaDB through a pool of `mysql2/promise`. The work's `sql` is its connection. */
export function createMysqlAdapter<Connection extends MysqlConnection>(
  pool: MysqlPool<Connection>,
  options: AdapterOptions = {},
): DatabaseAdapter<Connection> {
  return {
    ...options,
    dialect: "mysql",
    async begin() {
      const connection = await pool.getConnection();
      return beginByStatement(
        {
          sql: connection,
          query: async (text, values = []) => {
            const [rows] = await connection.query(text, [...values]);
            // What is no question is answered by a header in place of rows.
            return Array.isArray(rows) ? (rows as readonly SqlRow[]) : [];
          },
          giveBack: (isBroken) => (isBroken ? connection.destroy() : connection.release()),
        },
        "start transaction",
      );
    },
  };
}
