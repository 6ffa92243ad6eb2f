import type { Run } from "../connection.js";
import { formatProgress } from "./format-progress.js";
import { LiveRegion } from "./live-region.js";
import { printable } from "./printable.js";
import { RateMeter } from "./rate-meter.js";

/** What a run is going to move, as far as it is known before. */
export interface TransferPlan {
  readonly files?: number | undefined;
  readonly bytes?: number | undefined;
}

/** One file of the board. */
export interface Transfer {
  /** So many of its bytes are through; fewer than before when it begins anew. */
  update(doneBytes: number): void;
  /** It is through, or given up: its bytes count when `succeeded`. */
  end(succeeded: boolean): void;
}

interface Row {
  readonly name: string;
  readonly totalBytes: number | undefined;
  doneBytes: number;
}

/** Shows how far the transfers of a run are. Lines that the run prints meanwhile stand above. */
export class TransferBoard {
  readonly #plan: TransferPlan;
  readonly #region: LiveRegion;
  readonly #run: Run;
  readonly #rate = new RateMeter();
  readonly #active = new Set<Row>();
  #doneFiles = 0;
  #doneBytes = 0;

  constructor(run: Run, plan: TransferPlan) {
    this.#run = run;
    this.#plan = plan;
    this.#region = new LiveRegion(run.context, (seconds, size) => formatProgress(this.#view(seconds), size));
    run.output.standAbove(this.#region);
  }

  /** A file begins. Without its size there is no telling how much is left. */
  begin(name: string, totalBytes?: number): Transfer {
    const row: Row = { name: printable(name), totalBytes, doneBytes: 0 };
    this.#active.add(row);
    return {
      update: (doneBytes) => {
        row.doneBytes = doneBytes;
      },
      end: (succeeded) => {
        if (!this.#active.delete(row)) return;
        this.#doneFiles += 1;
        if (succeeded) this.#doneBytes += row.totalBytes ?? row.doneBytes;
      },
    };
  }

  stop(): void {
    this.#region.stop();
    this.#run.output.standAbove(undefined);
  }

  #view(seconds: number): Parameters<typeof formatProgress>[0] {
    const active = [...this.#active];
    const doneBytes = active.reduce((sum, row) => sum + row.doneBytes, this.#doneBytes);
    return {
      active,
      doneFiles: this.#doneFiles,
      doneBytes,
      totalFiles: this.#plan.files,
      totalBytes: this.#plan.bytes,
      rate: this.#rate.measure(doneBytes, seconds),
    };
  }
}
