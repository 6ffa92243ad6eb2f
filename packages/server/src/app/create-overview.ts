import { MetricsService } from "../files/metrics-service.js";
import { StatusService, type StatusServiceOptions } from "../files/status-service.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import { LoopDelay } from "../runtime/loop-delay.js";
import { readProcessUsage } from "../runtime/process-usage.js";
import type { Teardown } from "./teardown.js";

export interface OverviewOptions extends StatusServiceOptions {
  readonly clock: Clock;
  readonly delays: LoopDelay;
}

/** What a node says of itself and its cluster: to people, and to what watches it for them. */
export function createOverview(options: OverviewOptions): { status: StatusService; metrics: MetricsService } {
  const status = new StatusService(options);
  const { clock, delays } = options;
  return { status, metrics: new MetricsService({ status, usage: readProcessUsage, delays, clock }) };
}

/** Of this process as it is, whatever clock the node goes by. */
export function watchEventLoop(teardown: Teardown): LoopDelay {
  const delays = new LoopDelay(systemClock);
  delays.start();
  teardown.add("the watch over the event loop", () => delays.stop());
  return delays;
}
