import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import type { Load } from "./load/load-generator.js";
import { WrkLoadGenerator } from "./load/wrk.js";
import { prepareFiles } from "./measure/files.js";
import { type CpuTimes, cpuTimesOf } from "./measure/processes.js";
import { type CpuProfile, type Stack, stacksOf } from "./profile/cpu-profile.js";
import { drawFlameGraph } from "./profile/flame-graph.js";
import { formatProfile } from "./profile/profile-table.js";
import { makeRunFolder } from "./run-folder.js";
import { startCluster } from "./subjects/koboldfs.js";
import { sqliteIn } from "./subjects/koboldfs-subjects.js";
import type { RunningSubject } from "./subjects/subject.js";
import { provideTools } from "./tools.js";
import { puts, type Workload, WORKLOADS } from "./workload.js";

/** V8 compiles what is hot during the first thousands of requests; what is profiled is the state behind that. */
const WARM_UP_SECONDS = 20;
const PROFILED_SECONDS = 10;
const USAGE = `npm run bench:profile -- [WORKLOAD …]

Where the time of two nodes on SQLite goes, for each workload (get-4k-c16 and put-4k-c16): a table by layers, and a flame
graph of each workload in docs/profiles. The nodes' main threads and those of their databases are profiled, not the pool
that makes the file system's calls.
`;
const DATA_FOLDER = fileURLToPath(new URL("../.bench", import.meta.url));
const PICTURES = fileURLToPath(new URL("../../docs/profiles", import.meta.url));

async function main(names: readonly string[]): Promise<number> {
  const chosen = (names.length === 0 ? ["get-4k-c16", "put-4k-c16"] : names).map((name) =>
    WORKLOADS.find((workload) => workload.name === name),
  );
  if (chosen.includes(undefined)) {
    process.stdout.write(`${USAGE}\nWorkloads: ${WORKLOADS.map(({ name }) => name).join(", ")}\n`);
    return names.includes("--help") ? 0 : 2;
  }
  provideTools();
  for (const workload of chosen) if (workload !== undefined) await profile(workload);
  return 0;
}

async function profile(workload: Workload): Promise<void> {
  const folder = await makeRunFolder(DATA_FOLDER, false);
  try {
    const profileFolder = await mkdtemp(join(folder.path, "profiles-"));
    const context = { folder: folder.path, profileFolder };
    const nodes = await startCluster(context, { nodes: 2, dsn: sqliteIn(folder.path) });
    let measured: Measured;
    try {
      measured = await underLoad(workload, nodes);
    } finally {
      // A profile is written when its process ends.
      await nodes.stop();
    }
    const stacks = await readStacks(profileFolder, measured);
    process.stdout.write(report(workload, measured, stacks));
    await mkdir(PICTURES, { recursive: true });
    const picture = join(PICTURES, `${workload.name}.svg`);
    await writeFile(picture, drawFlameGraph(`${workload.name}, two nodes`, stacks));
    process.stdout.write(`${picture}\n`);
  } finally {
    await folder.remove();
  }
}

interface Measured {
  readonly requests: number;
  readonly cpu: CpuTimes;
  readonly fromUs: number;
  readonly toUs: number;
}

async function underLoad(workload: Workload, nodes: RunningSubject): Promise<Measured> {
  const generator = new WrkLoadGenerator();
  const load = (title: string, seconds: number): Load => ({
    ...workload,
    seconds,
    keyPrefix: `${workload.name}/`,
    putPrefix: `${workload.name}/${title}-`,
    folderUrls: nodes.folderUrls,
  });
  if (!puts(workload) || workload.operation === "mixed") await prepareFiles(nodes, load("warm", 0));
  await generator.run(load("warm", WARM_UP_SECONDS));
  const before = cpuTimesOf(nodes.processes);
  const fromUs = monotonicMicros();
  const { requests, errors } = await generator.run(load("profiled", PROFILED_SECONDS));
  const toUs = monotonicMicros();
  const after = cpuTimesOf(nodes.processes);
  if (errors.length > 0) throw new Error(`${workload.name}: ${errors.join(", ")}`);
  const cpu = {
    userSeconds: after.userSeconds - before.userSeconds,
    systemSeconds: after.systemSeconds - before.systemSeconds,
  };
  return { requests, cpu, fromUs, toUs };
}

/** The clock of V8's profiles, the same in all processes. */
function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Of all threads of all nodes. */
async function readStacks(folder: string, span: Measured): Promise<Stack[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".cpuprofile"));
  const stacks: Stack[] = [];
  for (const file of files) {
    const text = await readFile(join(folder, file), "utf8");
    stacks.push(...stacksOf(JSON.parse(text) as CpuProfile, span));
  }
  if (stacks.length === 0) throw new Error(`the nodes left no profile of the time in question in ${folder}`);
  return stacks;
}

function report({ name }: Workload, { requests, cpu }: Measured, stacks: readonly Stack[]): string {
  const micros = (seconds: number) => ((seconds * 1e6) / requests).toFixed(0);
  const total = `CPU a request, all threads: ${micros(cpu.userSeconds)} µs user, ${micros(cpu.systemSeconds)} µs kernel`;
  return `\n### ${name}: ${requests} requests\n\n${total}.\n\n${formatProfile(stacks, requests)}`;
}

process.exitCode = await main(process.argv.slice(2));
