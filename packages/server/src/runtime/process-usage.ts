import { readdir, readFile } from "node:fs/promises";

/** What this process takes of its machine. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  /** Seconds since 1970. */
  readonly startedSeconds: number;
  /** Files and sockets; absent where the system does not say. */
  readonly openFiles?: number;
  /** Absent where there is no limit too. */
  readonly maxOpenFiles?: number;
}

/** Reads the two small lists that the kernel makes of it, and no more. */
export async function readProcessUsage(): Promise<ProcessUsage> {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const [openFiles, maxOpenFiles] = await Promise.all([countOpenFiles(), findMaxOpenFiles()]);
  return {
    cpuSeconds: (user + system) / 1e6,
    ...{ residentBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external },
    startedSeconds: performance.timeOrigin / 1000,
    ...(openFiles !== undefined && { openFiles }),
    ...(maxOpenFiles !== undefined && { maxOpenFiles }),
  };
}

async function countOpenFiles(): Promise<number | undefined> {
  const names = await readdir("/proc/self/fd").catch(() => undefined);
  // One of them is the open folder itself.
  return names && names.length - 1;
}

async function findMaxOpenFiles(): Promise<number | undefined> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const found = /^Max open files +(\d+)/m.exec(limits)?.[1];
  return found === undefined ? undefined : Number(found);
}
