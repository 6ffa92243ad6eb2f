import type { ClientPool, NamespaceClient, Transaction } from "@koboldfs/client";
import type pg from "pg";
import type { DecisionLog } from "./decision-log.js";

/** Steps between which a coordinator may die. */
export const STEPS = [
  ...(["worked", "rows prepared", "files prepared"] as const),
  ...(["decided", "rows committed", "files committed"] as const),
] as const;
export type Step = (typeof STEPS)[number];

export interface CoordinatorOptions {
  /** 1 to 24 small letters and digits. The ids of all its transactions begin with it, on both sides. */
  readonly name: string;
  readonly files: ClientPool;
  /** Of a PostgreSQL with `max_prepared_transactions` above 0. */
  readonly rows: pg.Pool;
  readonly log: DecisionLog;
  /** Told of each step. */
  readonly onStep?: (step: Step) => void;
}

export interface Work {
  readonly tx: Transaction<NamespaceClient>;
  readonly sql: pg.PoolClient;
}

/**
 * Commits a transaction of PostgreSQL and one of KoboldFS together, as any transaction manager would: prepare both, write the
 * decision down, commit both. The id of the one is the id of the other.
 */
export class Coordinator {
  readonly #options: CoordinatorOptions;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /**
   * Does the work and commits both sides, or neither. Throws what kept it from that, and an `AggregateError` when it could not be
   * aborted either. What that or its death leaves is for `recover`.
   */
  async run(work: (parts: Work) => Promise<void>): Promise<void> {
    const { name, files, rows, log, onStep = () => undefined } = this.#options;
    const tx = await files.begin({ coordinator: name });
    try {
      await this.#prepare(tx, work);
    } catch (thrown) {
      await this.#abort(tx.id, thrown);
      throw thrown;
    }
    await log.decideToCommit(tx.id);
    onStep("decided");
    await rows.query(`commit prepared '${tx.id}'`);
    onStep("rows committed");
    await tx.commit();
    onStep("files committed");
  }

  async #prepare(tx: Transaction<NamespaceClient>, work: (parts: Work) => Promise<void>): Promise<void> {
    const { rows, onStep = () => undefined } = this.#options;
    const sql = await rows.connect();
    let isPrepared = false;
    try {
      await sql.query("begin");
      await work({ tx, sql });
      onStep("worked");
      await sql.query(`prepare transaction '${tx.id}'`);
      onStep("rows prepared");
      await tx.prepare();
      onStep("files prepared");
      isPrepared = true;
    } finally {
      // Closed otherwise: what was not prepared is rolled back by that.
      sql.release(!isPrepared);
    }
  }

  /** Throws both when it fails: why it was to be aborted must not be lost over what keeps it from that. */
  async #abort(id: string, reason: unknown): Promise<void> {
    try {
      await this.#finish(id, "abort");
    } catch (thrown) {
      throw new AggregateError([reason, thrown], `${id} failed and could not be aborted; recover() does that`, {
        cause: thrown,
      });
    }
  }

  /**
   * Ends what was left behind: what is in the log is committed, everything else was not decided and is aborted. Only when no
   * other process of this coordinator is at work. Answers the ids.
   */
  async recover(): Promise<{ committed: string[]; aborted: string[] }> {
    const { log } = this.#options;
    const done = { committed: [] as string[], aborted: [] as string[] };
    for (const id of await this.#listPrepared()) {
      const isDecided = log.has(id);
      await this.#finish(id, isDecided ? "commit" : "abort");
      (isDecided ? done.committed : done.aborted).push(id);
    }
    return done;
  }

  /** Everything of this coordinator that either side holds. */
  async #listPrepared(): Promise<Set<string>> {
    const { name, files, rows } = this.#options;
    const ids = new Set<string>();
    const own = "select gid from pg_prepared_xacts where database = current_database() and gid like $1";
    for (const { gid } of (await rows.query<{ gid: string }>(own, [`${name}-%`])).rows) ids.add(gid);
    for await (const { id } of files.listTransactions({ state: "prepared" }))
      if (id.startsWith(`${name}-`)) ids.add(id);
    return ids;
  }

  /** Both sides may have done it already. */
  async #finish(id: string, step: "commit" | "abort"): Promise<void> {
    const { files, rows } = this.#options;
    const { rowCount } = await rows.query("select 1 from pg_prepared_xacts where gid = $1", [id]);
    if (rowCount === 1) await rows.query(`${step === "commit" ? "commit" : "rollback"} prepared '${id}'`);
    await files.finishTransaction(id, step);
  }
}
