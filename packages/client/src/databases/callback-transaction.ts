import type { DatabaseTransaction } from "./database-adapter.js";

/** What a transaction is made of that a library runs around a callback. */
export type CallbackTransaction<Sql> = Pick<DatabaseTransaction<Sql>, "sql" | "query">;

/**
 * A transaction of a library that commits when a callback returns and rolls back when it throws: `run` gives that library a
 * callback which ends when the transaction shall end.
 */
export function beginByCallback<Sql>(
  run: (hold: (transaction: CallbackTransaction<Sql>) => Promise<void>) => Promise<unknown>,
): Promise<DatabaseTransaction<Sql>> {
  return new Promise((begun, failed) => {
    const hold = (transaction: CallbackTransaction<Sql>): Promise<void> =>
      new Promise((commit, rollback) => {
        begun({
          sql: transaction.sql,
          // A library may leave a statement unanswered whose connection broke, and tell only of the transaction.
          query: (text, values) => Promise.race([transaction.query(text, values), broken]),
          commit: () => {
            commit();
            return ended;
          },
          rollback: async () => {
            const asked = new Error("rolled back");
            rollback(asked);
            await ended.catch((thrown: unknown) => {
              if (thrown !== asked) throw thrown;
            });
          },
        });
      });
    // Once it has begun whoever ends it is told what failed, and nobody listens here any more.
    const ended = run(hold).then(() => undefined);
    ended.catch(failed);
    const broken = ended.then(() => Promise.reject(new Error("the transaction has ended")));
    broken.catch(() => undefined);
  });
}
