import type { Clock } from "../runtime/clock.js";
import type { MissingCensus } from "./missing-census.js";
import type { StepResult, Worker } from "./worker.js";

/** A volume as this worker sees it. */
export interface CheckedVolume {
  readonly isSuspect: boolean;
  check(options: { writes: boolean }): Promise<void>;
  watchHealth(onOut: () => void): void;
}

export interface VolumeWorkerOptions {
  readonly volumes: readonly CheckedVolume[];
  readonly census: Pick<MissingCensus, "begin" | "step" | "isRunning">;
  /** Has the next step come at once. */
  readonly wake: () => void;
  readonly clock: Clock;
}

/** A small file is written and flushed so often: a disk that went read-only is known before a put finds out. */
const WRITE_EVERY_MS = 60_000;
/** Longer than a placement may take to be named: whoever placed a blob on the volume before it went out has named it. */
const AGAIN_AFTER_MS = 11 * 60_000;

/** Looks whether the volumes are well; when one goes out, has what is missing without it noted as debts. */
export class VolumeWorker implements Worker {
  readonly name = "volumes";
  /** A disk that was unmounted is found this soon, by reading one small file. */
  readonly pollMs = 5_000;
  readonly #options: VolumeWorkerOptions;
  #wroteMs: number;
  #againMs = Number.POSITIVE_INFINITY;

  constructor(options: VolumeWorkerOptions) {
    this.#options = options;
    this.#wroteMs = options.clock.monotonic();
    for (const volume of options.volumes) volume.watchHealth(() => this.#onOut());
  }

  async step(): Promise<StepResult> {
    const { census, clock, volumes } = this.#options;
    const now = clock.monotonic();
    const writes = now - this.#wroteMs >= WRITE_EVERY_MS;
    if (writes) this.#wroteMs = now;
    for (const volume of volumes) await volume.check({ writes });
    if (now >= this.#againMs) {
      this.#againMs = Number.POSITIVE_INFINITY;
      this.#begin();
    }
    if (!census.isRunning) return "idle";
    await census.step();
    return census.isRunning ? "busy" : "idle";
  }

  #onOut(): void {
    this.#againMs = this.#options.clock.monotonic() + AGAIN_AFTER_MS;
    this.#begin();
    this.#options.wake();
  }

  /** Without any volume the node is not ready, and a debt for each blob would say nothing more. */
  #begin(): void {
    if (this.#options.volumes.some(({ isSuspect }) => !isSuspect)) this.#options.census.begin();
  }
}
