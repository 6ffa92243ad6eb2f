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
   * One bounded piece of work. Rejects when it could not be done; the next one comes after a pause. A fired signal ends
   * it soon, with any result or error, and leaves nothing of it running.
   */
  step(signal: AbortSignal): Promise<StepResult>;
}
