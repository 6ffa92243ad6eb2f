import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Load, LoadGenerator } from "../load/load-generator.js";
import type { RunningSubject } from "../subjects/subject.js";
import { findFalseFiles } from "./files.js";
import type { Measurement } from "./measurement.js";
import { cpuSecondsOf, peakMemoryOf, resetPeakMemory } from "./processes.js";

/** Puts one load on one subject, and looks afterwards whether the files are really there. */
export async function measure(subject: RunningSubject, generator: LoadGenerator, load: Load): Promise<Measurement> {
  // What the one before left unwritten in the page cache shall not slow this one's fsyncs.
  await promisify(execFile)("sync", ["--file-system", subject.folder]);
  resetPeakMemory(subject.processes);
  const cpuBefore = cpuSecondsOf(subject.processes);
  const result = await generator.run(load);
  const cpuSeconds = cpuSecondsOf(subject.processes) - cpuBefore;
  const memory = peakMemoryOf(subject.processes);
  const errors = result.errors.length > 0 ? result.errors : await findFalseFiles(subject, load, result.requests);
  return {
    requestsPerSecond: result.requests / result.seconds,
    latencyMs: result.latencyMs,
    cpuSecondsPer1000: subject.processes.length === 0 ? Number.NaN : (cpuSeconds / result.requests) * 1000,
    memory,
    generatorLoad: result.generatorLoad,
    errors,
  };
}
