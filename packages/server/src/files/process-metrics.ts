import type { LoopDelayCounts } from "../runtime/loop-delay.js";
import type { ProcessUsage } from "../runtime/process-usage.js";
import type { MetricSample, MetricValues } from "./metric-table.js";

/** What the node process takes, as metrics. */
export function describeProcess(usage: ProcessUsage, delays: LoopDelayCounts): MetricValues {
  return {
    koboldfs_event_loop_delay_seconds: [
      ...delays.buckets.map(({ seconds, count }) => bucket(String(seconds), count)),
      bucket("+Inf", delays.count),
      { suffix: "_sum", value: delays.sumSeconds },
      { suffix: "_count", value: delays.count },
    ],
    process_cpu_seconds_total: one(usage.cpuSeconds),
    process_resident_memory_bytes: one(usage.residentBytes),
    process_open_fds: one(usage.openFiles),
    process_max_fds: one(usage.maxOpenFiles),
    process_start_time_seconds: one(usage.startedSeconds),
    nodejs_heap_size_used_bytes: one(usage.heapUsedBytes),
    nodejs_heap_size_total_bytes: one(usage.heapTotalBytes),
    nodejs_external_memory_bytes: one(usage.externalBytes),
  };
}

function bucket(le: string, value: number): MetricSample {
  return { suffix: "_bucket", labels: { le }, value };
}

function one(value: number | undefined): MetricSample[] {
  return value === undefined ? [] : [{ value }];
}
