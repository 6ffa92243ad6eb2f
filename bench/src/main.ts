import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { benchLargeFile } from "./large-file.js";
import { WrkLoadGenerator } from "./load/wrk.js";
import { describeMachine, refuseUnfitFolder } from "./measure/machine.js";
import type { Row } from "./measure/measurement.js";
import { type BenchOptions, parseOptions, USAGE } from "./options.js";
import { formatTable } from "./report/table.js";
import { type Contestant, runWorkload } from "./run.js";
import { makeRunFolder } from "./run-folder.js";
import type { Subject } from "./subjects/subject.js";
import { selectSubjects } from "./subjects/subjects.js";
import { provideTools } from "./tools.js";
import { puts, type Workload, WORKLOADS } from "./workload.js";

/** Generous for an ordinary disk: what is written is bounded by its speed, not by us. */
const WRITTEN_GIB_PER_PUT_SECOND = 0.5;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const chosen = choose(options);
  provideTools();
  const folder = await makeRunFolder(options.dataFolder, options.warmUpSeconds > 0);
  const contestants: Contestant[] = [];
  const end = async () => {
    await Promise.all(contestants.splice(0).map(({ running }) => running.stop()));
    await folder.remove();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void end().finally(() => process.exit(1)));
  try {
    return await runAll({ ...options, ...chosen, folder: folder.path }, contestants);
  } finally {
    await end();
  }
}

interface Choice {
  readonly workloads: readonly Workload[];
  readonly subjects: readonly Subject[];
}

/** Throws where a name is wrong, before anything is started. */
function choose({ only, subjects }: BenchOptions): Choice {
  const workloads = WORKLOADS.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)));
  if (workloads.length === 0) throw new Error(`no workload's name holds ${only.join(" or ")}`);
  return { workloads, subjects: selectSubjects(subjects) };
}

type RunOptions = Omit<BenchOptions, "subjects"> & Choice & { readonly folder: string };

async function runAll(options: RunOptions, contestants: Contestant[]): Promise<number> {
  const { workloads, folder } = options;
  const putSeconds =
    workloads.filter((workload) => puts(workload) && workload.sizeBytes > 2 ** 19).length * options.seconds;
  refuseUnfitFolder(folder, 5 + putSeconds * options.rounds * WRITTEN_GIB_PER_PUT_SECOND);
  const machine = describeMachine(folder);
  process.stdout.write(`${JSON.stringify(machine)}\n`);
  for (const subject of options.subjects) {
    const own = join(folder, subject.name);
    await mkdir(own);
    contestants.push({ subject, running: await subject.start({ folder: own, ...profileOption(options) }) });
    process.stdout.write(`${subject.name}: ${subject.title}\n`);
  }
  const rows: Row[] = [];
  const warmed = new Set<string>();
  for (const workload of workloads) {
    const plan = { ...options, generator: new WrkLoadGenerator(), secondsPerMeasurement: options.seconds, warmed };
    const fresh = await runWorkload(workload, contestants, plan);
    rows.push(...fresh);
    process.stdout.write(`\n${formatTable(fresh)}`);
  }
  if (options.jsonFile !== undefined)
    await writeFile(options.jsonFile, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
  return rows.some(({ median }) => median.errors.length > 0) ? 1 : 0;
}

function profileOption({ profileFolder }: RunOptions): { profileFolder?: string } {
  return profileFolder === undefined ? {} : { profileFolder };
}

const [command, ...parameters] = process.argv.slice(2);
process.exitCode = command === "large-file" ? await benchLargeFile(parameters) : await main();
