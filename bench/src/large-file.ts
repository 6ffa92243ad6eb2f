import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getLarge, putLarge } from "./load/large-body.js";
import { median } from "./measure/median.js";
import { cpuSecondsOf, peakMemoryOf, resetPeakMemory } from "./measure/processes.js";
import { makeRunFolder } from "./run-folder.js";
import { twoNodesSubject } from "./subjects/koboldfs-subjects.js";
import { nginxSubject } from "./subjects/nginx.js";
import type { RunningSubject, Subject } from "./subjects/subject.js";
import { provideTools } from "./tools.js";

/**
 * One large file up and down: nginx with one copy and no fsync, and two nodes with two fsynced copies, in turn. Downloads
 * are read from the page cache as far as it goes.
 */
const SUBJECTS: readonly Subject[] = [nginxSubject, twoNodesSubject];
const USAGE = "npm run bench -- large-file [ROUNDS [GIB]]: one file of 2 GiB up and down, three rounds\n";
const AIMS = { up: 0.35, down: 0.6, peakMiB: 200 };

interface Measured {
  readonly mibPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakMiB: readonly number[];
}

type Direction = "up" | "down";
type Results = Record<Direction, Map<string, Measured[]>>;

/** Answers the exit code. */
export async function benchLargeFile(args: readonly string[]): Promise<number> {
  const [rounds = 3, gib = 2] = args.map(Number);
  if (!(rounds >= 1 && gib > 0)) {
    process.stdout.write(USAGE);
    return 2;
  }
  provideTools();
  const folder = await makeRunFolder(fileURLToPath(new URL("../.bench", import.meta.url)), true);
  const results: Results = { up: new Map(), down: new Map() };
  const running: { subject: Subject; server: RunningSubject }[] = [];
  try {
    for (const subject of SUBJECTS) {
      const own = join(folder.path, subject.name);
      await mkdir(own);
      running.push({ subject, server: await subject.start({ folder: own }) });
    }
    const sizeBytes = Math.round(gib * 2 ** 30);
    for (let round = 0; round < rounds; round++) {
      for (const { subject, server } of running) await upAndDown({ subject, server, round, sizeBytes }, results);
    }
    report(results, gib);
    return 0;
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
    await folder.remove();
  }
}

interface Turn {
  readonly subject: Subject;
  readonly server: RunningSubject;
  readonly round: number;
  readonly sizeBytes: number;
}

async function upAndDown({ subject, server, round, sizeBytes }: Turn, results: Results): Promise<void> {
  const url = `${server.folderUrls[0]}large-${round}`;
  for (const [direction, transfer] of [
    ["up", putLarge],
    ["down", getLarge],
  ] as const) {
    execFileSync("sync");
    resetPeakMemory(server.processes);
    const before = cpuSecondsOf(server.processes);
    const seconds = await transfer(url, sizeBytes);
    const cpuSeconds = cpuSecondsOf(server.processes) - before;
    const peakMiB = peakMemoryOf(server.processes).map((one) => one.peakMiB);
    const own = results[direction].get(subject.name) ?? [];
    results[direction].set(subject.name, [
      ...own,
      { mibPerSecond: sizeBytes / 2 ** 20 / seconds, cpuSeconds, peakMiB },
    ]);
  }
}

function report(results: Results, gib: number): void {
  const [nginx, ours] = SUBJECTS.map(({ name }) => name) as [string, string];
  process.stdout.write(
    `${gib} GiB, load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}\n\n`,
  );
  process.stdout.write(
    "| | nginx, MiB/s | two nodes, MiB/s | ratio | aim | CPU s, nginx : two nodes | peak MiB of each node |\n",
  );
  process.stdout.write("|---|--:|--:|--:|--:|--:|--:|\n");
  for (const direction of ["up", "down"] as const) {
    const of = (name: string) => results[direction].get(name) ?? [];
    const rate = (name: string) => median(of(name).map(({ mibPerSecond }) => mibPerSecond));
    const cpu = (name: string) => median(of(name).map(({ cpuSeconds }) => cpuSeconds)).toFixed(1);
    const peaks = [0, 1].map((node) => Math.max(...of(ours).map(({ peakMiB }) => peakMiB[node] ?? 0)).toFixed(0));
    const cells = [
      ...[direction, rate(nginx).toFixed(0), rate(ours).toFixed(0), (rate(ours) / rate(nginx)).toFixed(2)],
      ...[`${AIMS[direction]}, below ${AIMS.peakMiB} MiB`, `${cpu(nginx)} : ${cpu(ours)}`, peaks.join(", ")],
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}
