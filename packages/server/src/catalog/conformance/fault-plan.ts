/**
 * - `cut-before`: the session breaks and the statement is never sent.
 * - `cut-during`: the statement is sent and the session breaks; nobody knows what the engine did.
 * - `cut-after`: the statement is done and its answer is lost.
 * - `stall`: the session seems broken from here, but lives on at the engine with its locks and its open transaction.
 * - `contend`: the engine rolls the transaction back and says so, as after a deadlock.
 * - `wait`: the statement is sent after `FaultPlan.wait`.
 */
export type Fault = "cut-before" | "cut-during" | "cut-after" | "stall" | "contend" | "wait";

/** A session that everybody gave up and that still lives at the engine. */
export interface StalledSession {
  /** Sends the COMMIT that was on its way, and ends the session. Answers whether the engine took it. */
  commitLate(): Promise<boolean>;
}

/** Makes one statement fail. */
export class FaultPlan {
  #fault: Fault | undefined;
  #isDue: (sql: string) => boolean = () => false;
  #fired: string | undefined;
  #stalled: StalledSession | undefined;
  readonly #commitsLateAtOnce: boolean;

  /** `commitsLateAtOnce`: the COMMIT of a stalled session arrives as soon as the session was given up. */
  constructor(options: { commitsLateAtOnce?: boolean } = {}) {
    this.#commitsLateAtOnce = options.commitsLateAtOnce === true;
  }

  /** `at`: the statement behind so many others, or the first one that looks like this. */
  arm(fault: Fault, at: number | RegExp): void {
    this.#fault = fault;
    let remaining = typeof at === "number" ? at : 0;
    this.#isDue = typeof at === "number" ? () => remaining-- === 0 : (sql) => at.test(sql);
    this.#fired = undefined;
  }

  disarm(): void {
    this.#fault = undefined;
  }

  /** The statement that failed, or undefined when there were not so many. */
  get fired(): string | undefined {
    return this.#fired;
  }

  /** What a statement with the fault `wait` waits for. */
  async wait(): Promise<void> {}

  get stalled(): StalledSession | undefined {
    return this.#stalled;
  }

  /** A session that stalled was given up by its user. */
  async giveUp(session: StalledSession): Promise<void> {
    this.#stalled = session;
    if (this.#commitsLateAtOnce) await session.commitLate();
  }

  /** What shall happen to the statement that is about to run. */
  next(sql: string): Fault | undefined {
    if (this.#fault === undefined || !this.#isDue(sql)) return undefined;
    const fault = this.#fault;
    this.#fault = undefined;
    this.#fired = sql;
    return fault;
  }
}
