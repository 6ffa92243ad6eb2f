/**
 * - `cut-before`: the session breaks and the statement is never sent.
 * - `cut-during`: the statement is sent and the session breaks; nobody knows what the engine did.
 * - `cut-after`: the statement is done and its answer is lost.
 * - `stall`: the session seems broken from here, but lives on at the engine with its locks and its open transaction.
 * - `contend`: the engine rolls the transaction back and says so, as after a deadlock.
 */
export type Fault = "cut-before" | "cut-during" | "cut-after" | "stall" | "contend";

/** Makes one statement fail: the one that comes `after` others since it was armed. */
export class FaultPlan {
  #fault: Fault | undefined;
  #remaining = 0;
  #fired: string | undefined;

  arm(fault: Fault, after: number): void {
    this.#fault = fault;
    this.#remaining = after;
    this.#fired = undefined;
  }

  disarm(): void {
    this.#fault = undefined;
  }

  /** The statement that failed, or undefined when there were not so many. */
  get fired(): string | undefined {
    return this.#fired;
  }

  /** What shall happen to the statement that is about to run. */
  next(sql: string): Fault | undefined {
    if (this.#fault === undefined) return undefined;
    if (this.#remaining > 0) {
      this.#remaining -= 1;
      return undefined;
    }
    const fault = this.#fault;
    this.#fault = undefined;
    this.#fired = sql;
    return fault;
  }
}
