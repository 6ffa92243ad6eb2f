import { median } from "./median.js";
import type { LoadResult } from "../load/load-generator.js";
import type { ProcessMemory } from "./processes.js";

/** One subject under one load, once. */
export interface Measurement {
  readonly requestsPerSecond: number;
  readonly latencyMs: LoadResult["latencyMs"];
  /** User and system time of all the subject's processes, in seconds, for a thousand requests; NaN where it has no process. */
  readonly cpuSecondsPer1000: number;
  readonly memory: readonly ProcessMemory[];
  readonly generatorLoad: number;
  readonly errors: readonly string[];
}

/** What the rounds of one subject in one workload come to. */
export interface Row {
  readonly workload: string;
  readonly subject: string;
  /** Name of the subject it is compared with; its own name for a yardstick. */
  readonly yardstick: string;
  /** Each value is the median of its rounds, except memory, errors (all of them) and the peak (the largest). */
  readonly median: Measurement;
  readonly rounds: readonly Measurement[];
}

export function summarizeRounds(rounds: readonly Measurement[]): Measurement {
  const of = (pick: (measurement: Measurement) => number) => median(rounds.map(pick));
  return {
    requestsPerSecond: of((m) => m.requestsPerSecond),
    latencyMs: { p50: of((m) => m.latencyMs.p50), p99: of((m) => m.latencyMs.p99), max: of((m) => m.latencyMs.max) },
    cpuSecondsPer1000: of((m) => m.cpuSecondsPer1000),
    memory: largestMemory(rounds),
    generatorLoad: of((m) => m.generatorLoad),
    errors: rounds.flatMap((m) => m.errors),
  };
}

function largestMemory(rounds: readonly Measurement[]): ProcessMemory[] {
  const first = rounds[0]?.memory ?? [];
  return first.map(({ name }, index) => ({
    name,
    peakMiB: Math.max(...rounds.map((round) => round.memory[index]?.peakMiB ?? 0)),
  }));
}
