import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** USER_HZ, the unit of /proc/PID/stat: part of the kernel's interface, 100 on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  /** Its own time and that of its children that ended and were waited for. */
  readonly cpuSeconds: number;
  readonly reapedCpuSeconds: number;
  /** Of its own time the part in the kernel. */
  readonly systemSeconds: number;
}

export interface CpuTimes {
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

export interface ProcessMemory {
  readonly name: string;
  readonly peakMiB: number;
}

/** CPU seconds of the processes and everything they started, since they began: only differences mean anything. */
export function cpuSecondsOf(roots: readonly number[]): number {
  return treeOf(roots).reduce((sum, stat) => sum + stat.cpuSeconds, 0);
}

/** As `cpuSecondsOf`, in two parts, without children that have ended. */
export function cpuTimesOf(roots: readonly number[]): CpuTimes {
  const stats = treeOf(roots);
  const sum = (value: (stat: ProcessStat) => number) => stats.reduce((total, stat) => total + value(stat), 0);
  const systemSeconds = sum((stat) => stat.systemSeconds);
  return { userSeconds: sum((stat) => stat.cpuSeconds - stat.reapedCpuSeconds) - systemSeconds, systemSeconds };
}

/** The most memory (VmHWM) each process had since `resetPeakMemory`, or since it began where that is not allowed. */
export function peakMemoryOf(roots: readonly number[]): ProcessMemory[] {
  return treeOf(roots).map(({ pid, name }) => ({ name, peakMiB: readPeakKiB(pid) / 1024 }));
}

/** Forgets earlier peaks. Without the right to do so (another user's process) the peak of the whole life is reported. */
export function resetPeakMemory(roots: readonly number[]): void {
  for (const { pid } of treeOf(roots)) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, "5");
    } catch (cause) {
      if (!isGone(cause) && (cause as NodeJS.ErrnoException).code !== "EACCES") throw cause;
    }
  }
}

/** CPU seconds of the children of this process that have ended. */
export function reapedChildrenCpuSeconds(): number {
  return readStat(process.pid)?.reapedCpuSeconds ?? 0;
}

function treeOf(roots: readonly number[]): ProcessStat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
  const wanted = new Set(roots);
  // A child's number may be lower than its parent's after a wrap-around, so one pass is not enough.
  for (let grew = true; grew; ) {
    const young = all.filter((stat) => wanted.has(stat.parent) && !wanted.has(stat.pid));
    for (const { pid } of young) wanted.add(pid);
    grew = young.length > 0;
  }
  return all.filter((stat) => wanted.has(stat.pid));
}

/** Fields as in proc(5); the name stands in parentheses and may hold anything, so the rest is cut behind the last one. */
function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(pid, "stat");
  if (text === undefined) return undefined;
  const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const seconds = (index: number) => Number(fields[index]) / TICKS_PER_SECOND;
  const reapedCpuSeconds = seconds(13) + seconds(14);
  return {
    pid,
    name,
    parent: Number(fields[1]),
    cpuSeconds: seconds(11) + seconds(12) + reapedCpuSeconds,
    reapedCpuSeconds,
    systemSeconds: seconds(12),
  };
}

function readPeakKiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readProc(pid, "status") ?? "")?.[1] ?? 0);
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (cause) {
    if (isGone(cause)) return undefined;
    throw cause;
  }
}

function isGone(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ESRCH";
}
