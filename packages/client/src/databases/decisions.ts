import type { DatabaseAdapter, DatabaseTransaction, SqlRow } from "./database-adapter.js";
import { COORDINATOR_ID, DIALECTS, type DialectSql } from "./dialect-sql.js";

export type Decision = "commit" | "abort";
/** `running`: the application's transaction is still open and holds its row. */
export type Settlement = Decision | "running";

/** The application's transaction, with the row that decides what becomes of the files. */
export interface DecidingTransaction<Sql> {
  readonly sql: Sql;
  /** The last statement before the commit. Throws when it was decided otherwise meanwhile. */
  decideToCommit(id: string): Promise<void>;
  /** Whatever it throws, the outcome is not known. */
  commit(): Promise<void>;
  /** Never throws: what cannot be rolled back because the connection is gone is rolled back by the database. */
  rollback(): Promise<void>;
}

/** What each database is called, found out once for each adapter. */
const coordinators = new WeakMap<DatabaseAdapter<unknown>, Promise<string>>();

/** The decisions in the application's database, which say for each transaction of files whether its rows were committed. */
export class Decisions<Sql> {
  readonly #adapter: DatabaseAdapter<Sql>;
  readonly #sql: DialectSql;

  constructor(adapter: DatabaseAdapter<Sql>) {
    this.#adapter = adapter;
    this.#sql = DIALECTS[adapter.dialect];
  }

  /**
   * What this database is called as a coordinator: the ids of its transactions begin with that. Creates the table where it
   * is missing, and warns when commits of this database may be lost.
   */
  async readCoordinator(): Promise<string> {
    const known = coordinators.get(this.#adapter);
    if (known !== undefined) return known;
    const asked = this.#prepareDatabase();
    coordinators.set(this.#adapter, asked);
    try {
      return await asked;
    } catch (thrown) {
      coordinators.delete(this.#adapter);
      throw thrown;
    }
  }

  /** Begins the application's transaction. */
  async begin(): Promise<DecidingTransaction<Sql>> {
    const transaction = await this.#adapter.begin("write");
    let isOver = false;
    const end = async (step: "commit" | "rollback"): Promise<void> => {
      if (isOver) return;
      isOver = true;
      await transaction[step]();
    };
    const rollback = () => end("rollback").catch(() => undefined);
    try {
      for (const statement of this.#sql.forceDurability) await transaction.query(statement);
    } catch (thrown) {
      await rollback();
      throw thrown;
    }
    return {
      sql: transaction.sql,
      decideToCommit: async (id) => void (await transaction.query(this.#sql.insertDecision, [id, "commit"])),
      commit: () => end("commit"),
      rollback,
    };
  }

  /**
   * What was decided and committed; undefined when nothing was, or not yet, or when no connection was free within the limit:
   * whoever asks may itself stand in the way.
   */
  async find(id: string, limitMs: number): Promise<Decision | undefined> {
    const transaction = await beginWithin(this.#adapter, "read", limitMs);
    if (transaction === undefined) return undefined;
    return within(transaction, async ({ query }) => readDecision(await query(this.#sql.readDecision, [id])));
  }

  /**
   * Makes it certain what becomes of a prepared transaction: answers the decision, or writes down and commits that it is
   * aborted, so that the application's transaction can no longer commit. Waits for that at most `limitMs` (a second at
   * least with MySQL, with SQLite as long as its busy timeout says). Throws when the database cannot be asked or is no
   * primary; then nothing is known.
   */
  async settle(id: string, limitMs: number): Promise<Settlement> {
    try {
      const transaction = await beginWithin(this.#adapter, "write", limitMs);
      if (transaction === undefined) return "running";
      return await within(transaction, async ({ query }) => {
        const [primary] = await query(this.#sql.askIsPrimary);
        if (Number(primary?.["is_primary"]) !== 1) throw new Error("the database is no primary, so it cannot decide");
        for (const statement of this.#sql.forceDurability) await query(statement);
        for (const statement of this.#sql.limitWaiting(limitMs)) await query(statement);
        try {
          await query(this.#sql.insertDecisionIfNone, [id, "abort"]);
        } finally {
          // The connection goes back to the application.
          for (const statement of this.#sql.endLimit) await query(statement);
        }
        const decision = readDecision(await query(this.#sql.readLockedDecision, [id]));
        if (decision === undefined) throw new Error(`the decision on ${id} was written and cannot be read`);
        return decision;
      });
    } catch (thrown) {
      if (this.#sql.isBusy(thrown)) return "running";
      throw thrown;
    }
  }

  /** Ids decided more than 30 days ago. */
  async listOld(limit: number): Promise<string[]> {
    return this.#within("read", async ({ query }) => {
      const rows = await query(this.#sql.listOldDecisions, [limit]);
      return rows.map(({ id }) => String(id));
    });
  }

  async remove(id: string): Promise<void> {
    await this.#within("write", async ({ query }) => void (await query(this.#sql.removeDecision, [id])));
  }

  async #prepareDatabase(): Promise<string> {
    // Asked before it is created: an application need not be allowed to create tables where its migrations did.
    const there = await this.#within("read", (transaction) => this.#readOwnName(transaction)).catch(() => undefined);
    await this.#within("read", (transaction) => this.#warn(transaction));
    if (there !== undefined) return there;
    return this.#within("write", async (transaction) => {
      await transaction.query(this.#sql.createTable);
      await transaction.query(this.#sql.insertDecisionIfNone, [COORDINATOR_ID, createName()]);
      const name = await this.#readOwnName(transaction);
      if (name === undefined) throw new Error("the row of the coordinator was written and cannot be read");
      return name;
    });
  }

  async #warn({ query }: Queries): Promise<void> {
    for (const { warning } of await query(this.#sql.findDurabilityWarning)) {
      (this.#adapter.onWarning ?? console.warn)(String(warning));
    }
  }

  async #readOwnName({ query }: Queries): Promise<string | undefined> {
    const [row] = await query(this.#sql.readDecision, [COORDINATOR_ID]);
    return row === undefined ? undefined : String(row["decision"]);
  }

  async #within<Result>(purpose: "read" | "write", work: (transaction: Queries) => Promise<Result>): Promise<Result> {
    return within(await this.#adapter.begin(purpose), work);
  }
}

type Queries = Pick<DatabaseTransaction<unknown>, "query">;

function createName(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function within<Result>(
  transaction: DatabaseTransaction<unknown>,
  work: (transaction: Queries) => Promise<Result>,
): Promise<Result> {
  let result: Result;
  try {
    result = await work(transaction);
  } catch (thrown) {
    await transaction.rollback().catch(() => undefined);
    throw thrown;
  }
  await transaction.commit();
  return result;
}

/** Undefined when no connection was free in time: somebody is at work on all of them. */
async function beginWithin<Sql>(
  adapter: DatabaseAdapter<Sql>,
  purpose: "read" | "write",
  limitMs: number,
): Promise<DatabaseTransaction<Sql> | undefined> {
  const pending = adapter.begin(purpose);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, limitMs, undefined);
  });
  try {
    const transaction = await Promise.race([pending, late]);
    if (transaction === undefined) giveBackLater(pending);
    return transaction;
  } finally {
    clearTimeout(timer);
  }
}

/** Whoever waited no longer has no use for it, nor for the reason why there is none. */
function giveBackLater(pending: Promise<DatabaseTransaction<unknown>>): void {
  pending.then((transaction) => transaction.rollback()).catch(() => undefined);
}

function readDecision(rows: readonly SqlRow[]): Decision | undefined {
  const [row] = rows;
  if (row === undefined) return undefined;
  const { decision } = row;
  if (decision === "commit" || decision === "abort") return decision;
  throw new Error(`koboldfs_decisions says ${JSON.stringify(decision)}, which is no decision`);
}
