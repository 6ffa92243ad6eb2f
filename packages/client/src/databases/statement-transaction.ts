import type { DatabaseTransaction } from "./database-adapter.js";

/** A connection that is nobody else's until it is given back. */
export interface OwnConnection<Sql> extends Pick<DatabaseTransaction<Sql>, "sql" | "query"> {
  /** Once. A broken one must not be used again. */
  giveBack(isBroken: boolean): void;
}

/** A transaction on a connection of its own that is begun by `statement`, and ended by statements too. */
export async function beginByStatement<Sql>(
  connection: OwnConnection<Sql>,
  statement: string,
): Promise<DatabaseTransaction<Sql>> {
  /** After a failure the connection may be gone or in the middle of something. */
  const orGiveUp = async (text: string): Promise<void> => {
    try {
      await connection.query(text);
    } catch (thrown) {
      connection.giveBack(true);
      throw thrown;
    }
  };
  const end = async (text: string): Promise<void> => {
    await orGiveUp(text);
    connection.giveBack(false);
  };
  await orGiveUp(statement);
  return {
    sql: connection.sql,
    query: (text, values) => connection.query(text, values),
    commit: () => end("commit"),
    rollback: () => end("rollback"),
  };
}
