import { randomBytes } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";
import type { Change, ChangeOutcome } from "../../../model/change.js";
import type { KnownHistory } from "../../../model/commit-view.js";
import { decideCommit } from "../../../model/decide-commit.js";
import { findFence, findUnusable, RETIRED_EPOCH } from "../../../model/fence.js";
import type { JournalGroup } from "../../../model/journal-group.js";
import type { Clock } from "../../../runtime/clock.js";
import { crashPoint } from "../../../runtime/crash-points.js";
import type { Logger } from "../../../runtime/logger.js";
import type { CommittedGroup } from "../../commit-witness.js";
import { pauseMs } from "../backoff.js";
import type { SqlDialect, SqlFailure } from "../dialect.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import { formatGroupId, parseGroupOutcomes } from "../queries/outcome-queries.js";
import { plainStatement, type SqlConnection } from "../sql-connection.js";
import { classifyFailure, ConnectionCut, translateFailure } from "../sql-failure.js";
import { readViewUnderLock } from "./commit-view-reader.js";
import { formatPlanStatements } from "./plan-statements.js";

export interface CommitRunnerOptions {
  readonly dialect: SqlDialect;
  readonly queries: CatalogQueries;
  /** Opens a session with the timeouts that a holder of the journal's lock must have. */
  readonly connect: () => Promise<SqlConnection>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long one group is tried for; by default 12 s. */
  readonly deadlineMs?: number;
}

/** Deadlocks resolve in milliseconds; a lock that is held is waited for by the engine, seconds at a time. */
const MAX_ATTEMPTS = 10;
/** A database that is away shall be told to the client soon; its retry is worth more than ours. */
const MAX_DISCONNECTS = 3;
/** Longer than it takes an engine to take the lock from a holder that stands still (5 s), and once again. */
const DEADLINE_MS = 12_000;
const RETRY_PAUSE = { firstMs: 5, longestMs: 250 };
const SETTLE_PAUSE = { firstMs: 50, longestMs: 2000 };

const COMMIT = plainStatement("commit");
const ROLLBACK = plainStatement("rollback");

/** Reads and writes of one transaction that has the journal's lock. */
export type LockedWork<Result> = (connection: SqlConnection) => Promise<Result>;

type Attempt =
  | ({ readonly kind: "done" } & CommittedGroup)
  /** Nothing was committed, and nothing of it ever will be. */
  | { readonly kind: "failed"; readonly failure: SqlFailure; readonly cause: unknown }
  /** The commit was sent and no good answer came. */
  | {
      readonly kind: "unknown";
      readonly failure: SqlFailure;
      readonly cause: unknown;
      readonly groupId: string;
      readonly group: JournalGroup | undefined;
      /** What the changes are answered if it was committed. */
      readonly outcomes: readonly ChangeOutcome[];
    };

/** The one commit path: lock, read, decide, write, commit; and again, until the outcome is certain. */
export class CommitRunner {
  readonly #options: CommitRunnerOptions;
  readonly #closing = new AbortController();
  #connection: SqlConnection | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: CommitRunnerOptions) {
    this.#options = options;
  }

  /** Throws `catalog_unavailable` or `commit_contended` when nothing was committed and nothing will be. */
  async commitGroup(changes: readonly Change[], release: () => void, known?: KnownHistory): Promise<CommittedGroup> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + (this.#options.deadlineMs ?? DEADLINE_MS);
    let disconnects = 0;
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.inTurn(() => this.#attempt(changes, known));
      if (result.kind === "done") return { outcomes: result.outcomes, group: result.group };
      if (result.kind === "unknown") {
        const settled = await this.#settle(result.groupId, release);
        // A catalog that was completed from mirrors knows that the group is in it, but not what each change was answered.
        const outcomes = settled?.length === changes.length ? settled : result.outcomes;
        if (settled !== undefined) return { outcomes, group: result.group };
      }
      disconnects += result.failure === "disconnected" ? 1 : 0;
      const isWorthAnother = attempt < MAX_ATTEMPTS && disconnects < MAX_DISCONNECTS && clock.monotonic() < deadline;
      const isRetryable = result.failure === "contended" || result.failure === "disconnected";
      if (!isRetryable || !isWorthAnother) throw translateFailure(result.failure, result.cause);
      await clock.sleep(pauseMs(attempt, RETRY_PAUSE));
    }
  }

  /**
   * Does something while the journal's lock is held, and so while no commit is under way. It may be done twice.
   * Throws `catalog_unavailable` or `commit_contended`.
   */
  async runLocked<Result>(work: LockedWork<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.inTurn(() => this.#tryLocked(work));
      if (result.kind === "done") return result.value;
      const isRetryable = result.failure === "contended" || result.failure === "disconnected";
      if (!isRetryable || attempt === MAX_DISCONNECTS) throw translateFailure(result.failure, result.cause);
      await this.#options.clock.sleep(pauseMs(attempt, RETRY_PAUSE));
    }
  }

  async #tryLocked<Result>(work: LockedWork<Result>) {
    const { dialect, queries } = this.#options;
    try {
      const connection = await this.#open();
      await connection.runAll([...dialect.begin, queries.cluster.lock({})]);
      const value = await work(connection);
      await connection.run(COMMIT);
      return { kind: "done" as const, value };
    } catch (cause) {
      const failure = classifyFailure(dialect, cause);
      await this.#abandon(failure);
      return { kind: "failed" as const, failure, cause };
    }
  }

  /**
   * Runs one thing at a time: attempts use one session, a group that was settled late stands in line like any other,
   * and where all sessions share one thread (SQLite) none may wait for a lock that another of them holds.
   */
  inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #attempt(changes: readonly Change[], known: KnownHistory | undefined): Promise<Attempt> {
    const { dialect, queries, clock } = this.#options;
    const groupId = createGroupId(clock.now());
    let isCommitSent = false;
    let group: JournalGroup | undefined;
    let outcomes: readonly ChangeOutcome[] = [];
    try {
      const connection = await this.#open();
      const view = await readViewUnderLock(connection, { dialect, queries, clock, known }, changes);
      crashPoint("commit.locked");
      const retired = view.epoch === RETIRED_EPOCH ? findUnusable(view) : undefined;
      const fence = known && findFence({ ...view.head, epoch: view.epoch, hashAtKnown: view.hashAtKnown }, known);
      const reason = retired ?? fence;
      if (reason !== undefined) throw reason;
      const plan = decideCommit(view, groupId, changes);
      outcomes = plan.outcomes;
      const statements = formatPlanStatements(queries, plan, groupId);
      if (statements.length === 0) {
        await connection.run(ROLLBACK);
        return { kind: "done", outcomes, group };
      }
      group = plan.group && storedGroup(plan.group);
      isCommitSent = true;
      crashPoint("commit.send.before");
      await connection.runAll([...statements, COMMIT]);
      crashPoint("commit.done");
      return { kind: "done", outcomes, group };
    } catch (cause) {
      const failure = classifyFailure(dialect, cause);
      this.#options.logger.debug({ err: cause, failure, isCommitSent }, "a commit failed");
      const isRolledBack = await this.#abandon(failure);
      // An engine that says "deadlock" or "full", and then answers, has not committed. Of other answers to a COMMIT
      // one cannot be so sure.
      const isCertain = isRolledBack && (failure === "contended" || failure === "exhausted");
      if (!isCommitSent || isCertain) return { kind: "failed", failure, cause };
      return { kind: "unknown", failure, cause, groupId, group, outcomes };
    }
  }

  async #open(): Promise<SqlConnection> {
    if (this.#closing.signal.aborted) throw new KoboldError("shutting_down", "the catalog is being closed");
    if (this.#connection?.isUsable === true) return this.#connection;
    // One that was given up in favour of another host still holds its socket.
    this.#connection?.destroy();
    this.#connection = await this.#options.connect();
    return this.#connection;
  }

  /** After any error: roll back, and when even that fails cut the session, which rolls back too. Answers which. */
  async #abandon(failure: SqlFailure): Promise<boolean> {
    const connection = this.#connection;
    if (connection === undefined) return false;
    try {
      if (!connection.isUsable || failure === "disconnected") throw new ConnectionCut("the session is gone");
      await connection.run(ROLLBACK);
      return true;
    } catch (cause) {
      // SQLite rolls back by itself when its disk is full, and then refuses to do it once more.
      const isRolledBack = failure === "exhausted" && classifyFailure(this.#options.dialect, cause) === "refused";
      this.#options.logger.debug({ err: cause, isRolledBack }, "a commit's session was given up");
      connection.destroy();
      this.#connection = undefined;
      return isRolledBack;
    }
  }

  /**
   * Decides what became of a group whose commit was not answered, by inserting its id as void. Either that conflicts:
   * it committed, and its outcomes are there. Or it succeeds: the late commit will die on the unique id. There is no
   * third, so this goes on until the database has said which.
   */
  async #settle(groupId: string, release: () => void): Promise<ChangeOutcome[] | undefined> {
    const { clock, logger } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.inTurn(() => this.#settleOnce(groupId));
      } catch (cause) {
        logger.warn({ err: cause, groupId, attempt }, "the outcome of a commit cannot be settled yet");
        release();
      }
      const { signal } = this.#closing;
      await clock.sleep(pauseMs(attempt, SETTLE_PAUSE), signal);
      if (signal.aborted)
        throw new KoboldError("shutting_down", "the server stopped before a commit's outcome was settled");
    }
  }

  async #settleOnce(groupId: string): Promise<ChangeOutcome[] | undefined> {
    const { queries } = this.#options;
    const connection = await this.#options.connect();
    try {
      const { affected } = await connection.run(queries.outcomes.insertVoid({ id: formatGroupId(groupId) }));
      if (affected === 1) return undefined;
      const [statement] = queries.outcomes.findGroup(groupId);
      const row = statement && (await connection.run(statement)).rows[0];
      if (row === undefined) throw new Error("the group's record is neither there nor can it be made");
      return parseGroupOutcomes(row);
    } finally {
      await connection.close();
    }
  }

  /** Gives up what cannot be settled. Call it when no commit runs, or none shall be waited for any longer. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#turn;
    await this.#connection?.close();
    this.#connection = undefined;
  }
}

function storedGroup({ first, last, hash, bytes }: JournalGroup): JournalGroup {
  return { first, last, hash, bytes };
}

/** Random, so that no two nodes share one; the time stands first, so that new ids are neighbours in the index. */
function createGroupId(nowMs: number): string {
  return nowMs.toString(16).padStart(12, "0") + randomBytes(10).toString("hex");
}
