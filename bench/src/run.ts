import type { Load, LoadGenerator } from "./load/load-generator.js";
import { prepareFiles } from "./measure/files.js";
import { measure } from "./measure/measure.js";
import { type Measurement, type Row, summarizeRounds } from "./measure/measurement.js";
import type { RunningSubject, Subject } from "./subjects/subject.js";
import type { Operation, Workload } from "./workload.js";

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
  /** Which subject had its first seconds of which operation, as `subject operation`; the run adds to it. */
  readonly warmed: Set<string>;
}

/** At most; deletes end with their files. */
const DELETE_SECONDS = 15;

/** One workload, every able subject in turn, round after round: A B C A B C. What ails the machine ails them all. */
export async function runWorkload(workload: Workload, all: readonly Contestant[], plan: RunPlan): Promise<Row[]> {
  const contestants = all.filter(({ subject }) => subject.yardstickFor(workload) !== undefined);
  for (const contestant of contestants) await warmUp(workload, contestant, plan);
  const rounds = new Map<string, Measurement[]>(contestants.map(({ subject }) => [subject.name, []]));
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { subject, running } of contestants) {
      const load = loadFor(workload, running, { label: `r${round}`, seconds: plan.secondsPerMeasurement });
      if (workload.operation === "delete") await prepareFiles(running, load);
      const known = await withReadPaths(load, running);
      rounds.get(subject.name)?.push(await measure(running, running.generator ?? plan.generator, known));
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

async function warmUp(workload: Workload, { subject, running }: Contestant, plan: RunPlan): Promise<void> {
  const { operation } = workload;
  const seconds = plan.warmUpSeconds === 0 ? 0 : (takeFirstSeconds(operation, subject, plan) ?? plan.warmUpSeconds);
  const load = loadFor(workload, running, { label: "warm", seconds });
  if (operation === "get" || operation === "mixed") await prepareFiles(running, load);
  if (seconds === 0 || operation === "delete") return;
  await (running.generator ?? plan.generator).run(await withReadPaths(load, running));
}

/** Undefined when the subject needs no more than the others, or had it. */
function takeFirstSeconds(operation: Operation, { name, firstSeconds }: Subject, plan: RunPlan): number | undefined {
  const what = `${name} ${operation}`;
  if (plan.warmed.has(what)) return;
  plan.warmed.add(what);
  return firstSeconds?.[operation];
}

/** Puts get keys of their own in each round, and so do files to be deleted; gets of all rounds read the same files. */
function loadFor(
  workload: Workload,
  running: RunningSubject,
  { label, seconds }: { label: string; seconds: number },
): Load {
  const { operation, sizeBytes, concurrency, keyCount, name } = workload;
  return {
    operation,
    sizeBytes,
    concurrency,
    keyCount,
    keyPrefix: operation === "delete" ? `${name}/${label}-` : `${name}/`,
    putPrefix: `${name}/new-${label}-`,
    seconds: operation === "delete" ? Math.max(seconds, DELETE_SECONDS) : seconds,
    folderUrls: running.folderUrls,
  };
}

/** Known only when the files are there. */
async function withReadPaths(load: Load, running: RunningSubject): Promise<Load> {
  if (running.readPaths === undefined || load.operation !== "get") return load;
  return { ...load, readPaths: await running.readPaths(load) };
}
