import type { AdapterOptions, DatabaseAdapter, SqlRow, SqlValue } from "./database-adapter.js";

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
      /** After a failure the connection may be broken or in the middle of something: it is not used again. */
      const orDestroy = async (statement: string): Promise<void> => {
        try {
          await connection.query(statement);
        } catch (thrown) {
          connection.destroy();
          throw thrown;
        }
      };
      const end = async (statement: string): Promise<void> => {
        await orDestroy(statement);
        connection.release();
      };
      await orDestroy("start transaction");
      return {
        sql: connection,
        async query(text, values = []) {
          const [rows] = await connection.query(text, [...values]);
          // What is no question is answered by a header in place of rows.
          return Array.isArray(rows) ? (rows as readonly SqlRow[]) : [];
        },
        commit: () => end("commit"),
        rollback: () => end("rollback"),
      };
    },
  };
}
