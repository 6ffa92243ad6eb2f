import type { Load, LoadGenerator } from "./load/load-generator.js";
import { prepareFiles } from "./measure/files.js";
import { measure } from "./measure/measure.js";
import { type Measurement, type Row, summarizeRounds } from "./measure/measurement.js";
import type { RunningSubject, Subject } from "./subjects/subject.js";
import type { Workload } from "./workload.js";

export interface Contestant {
  readonly subject: Subject;
  readonly running: RunningSubject;
}

export interface RunPlan {
  readonly generator: LoadGenerator;
  readonly rounds: number;
  readonly secondsPerMeasurement: number;
  /** Of each subject before a workload's first round, thrown away; 0 for none. */
  readonly warmUpSeconds: number;
}

/** One workload, every able subject in turn, round after round: A B C A B C. What ails the machine ails them all. */
export async function runWorkload(workload: Workload, all: readonly Contestant[], plan: RunPlan): Promise<Row[]> {
  const contestants = all.filter(({ subject }) => subject.yardstickFor(workload) !== undefined);
  for (const contestant of contestants) await warmUp(workload, contestant, plan);
  const rounds = new Map<string, Measurement[]>(contestants.map(({ subject }) => [subject.name, []]));
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { subject, running } of contestants) {
      const load = loadFor(workload, running, { label: `r${round}`, seconds: plan.secondsPerMeasurement });
      rounds.get(subject.name)?.push(await measure(running, running.generator ?? plan.generator, load));
    }
  }
  return contestants.map(({ subject }) => {
    const measured = rounds.get(subject.name) ?? [];
    const yardstick = subject.yardstickFor(workload) ?? subject.name;
    return {
      workload: workload.name,
      subject: subject.name,
      yardstick,
      median: summarizeRounds(measured),
      rounds: measured,
    };
  });
}

async function warmUp(workload: Workload, { running }: Contestant, plan: RunPlan): Promise<void> {
  const load = loadFor(workload, running, { label: "warm", seconds: plan.warmUpSeconds });
  if (workload.operation === "get") await prepareFiles(running, load);
  if (plan.warmUpSeconds > 0) await (running.generator ?? plan.generator).run(load);
}

/** Puts get keys of their own in each round; gets of all rounds read the same files. */
function loadFor(workload: Workload, running: RunningSubject, part: { label: string; seconds: number }): Load {
  const { operation, sizeBytes, concurrency, keyCount, name } = workload;
  const keyPrefix = operation === "put" ? `${name}/${part.label}-` : `${name}/`;
  return {
    operation,
    sizeBytes,
    concurrency,
    keyCount,
    keyPrefix,
    seconds: part.seconds,
    folderUrls: running.folderUrls,
  };
}
