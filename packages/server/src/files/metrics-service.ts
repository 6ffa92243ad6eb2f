import { KoboldError } from "@koboldfs/protocol";
import type { StatusReply } from "@koboldfs/protocol";
import type { Clock } from "../runtime/clock.js";
import { withDeadline } from "../runtime/deadline.js";
import type { LoopDelay } from "../runtime/loop-delay.js";
import type { ProcessUsage } from "../runtime/process-usage.js";
import type { MetricValues } from "./metric-table.js";
import { describeProcess } from "./process-metrics.js";
import { describeStatus } from "./status-metrics.js";
import type { StatusService } from "./status-service.js";

export interface MetricsServiceOptions {
  readonly status: Pick<StatusService, "getStatus">;
  readonly usage: () => Promise<ProcessUsage>;
  readonly delays: Pick<LoopDelay, "counts">;
  readonly clock: Clock;
}

/** Longer than a status waits for the catalog before it asks the mirror, and half of what Prometheus waits for a scrape. */
const STATUS_MS = 5000;

/** What a node tells whoever watches it, made when it is asked for. */
export class MetricsService {
  readonly #options: MetricsServiceOptions;

  constructor(options: MetricsServiceOptions) {
    this.#options = options;
  }

  /** Whatever becomes of the catalog: then it has less. */
  async collect(): Promise<MetricValues> {
    const { clock, delays, usage } = this.#options;
    const [status, used] = await Promise.all([this.#findStatus(), usage()]);
    return {
      ...(status === undefined ? { koboldfs_catalog_up: [{ value: 0 }] } : describeStatus(status, clock.now())),
      ...describeProcess(used, delays.counts()),
    };
  }

  /** Undefined when the catalog goes away in the midst of it. The next one is of the mirror then. */
  async #findStatus(): Promise<StatusReply | undefined> {
    const { clock, status } = this.#options;
    const late = () => new KoboldError("catalog_unavailable", `the status took longer than ${STATUS_MS} ms`);
    try {
      return await withDeadline(status.getStatus(), { clock, ms: STATUS_MS, late });
    } catch (error) {
      if (error instanceof KoboldError && error.code.startsWith("catalog_")) return undefined;
      throw error;
    }
  }
}
