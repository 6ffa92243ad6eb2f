/** What a step says of the work that is left: `busy` asks for the next step at once, `idle` waits for a wake-up or the poll. */
export type StepResult = "busy" | "idle";

/**
 * Work that goes on beside the requests, in bounded steps. A step may be repeated after any failure, also after the
 * process died in its midst: what it did must be durable before what it notes.
 */
export interface Worker {
  /** Stable: it is written in logs and woken by it. */
  readonly name: string;
  /** How long an idle worker waits when nobody wakes it. */
  readonly pollMs: number;
  /**
   * One bounded piece of work. Rejects when it could not be done; the next one comes after a pause. All steps get the
   * same signal; once it fired a step ends soon, with any result or error.
   */
  step(signal: AbortSignal): Promise<StepResult>;
  /** For work that goes on between steps: resolves when all of it has ended. Called once, after the signal and the last step. */
  end?(): Promise<void>;
}
