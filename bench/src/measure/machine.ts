import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly nginx: string;
  /** Of the folder where everybody's data lie. */
  readonly fileSystem: string;
}

/** tmpfs of statfs(2): nothing that is written there was ever durable. */
const TMPFS_MAGIC = 0x01021994;

export function describeMachine(folder: string): Machine {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    // nginx writes its version to standard error, and nothing to standard output.
    nginx: run("sh", ["-c", "nginx -v 2>&1"]).replace(/^.*nginx\//, ""),
    fileSystem: run("findmnt", ["--noheadings", "--output", "FSTYPE", "--target", folder]),
  };
}

/** Throws where a benchmark of durable writes would measure nothing. */
export function refuseUnfitFolder(folder: string, neededGiB: number): void {
  const { type, bavail, bsize } = statfsSync(folder);
  if (type === TMPFS_MAGIC) throw new Error(`${folder} is in memory (tmpfs); choose a folder on a disk with --data`);
  const freeGiB = (bavail * bsize) / 2 ** 30;
  if (freeGiB < neededGiB) {
    throw new Error(
      `${folder} has ${freeGiB.toFixed(1)} GiB free and this run may write ${neededGiB}; choose --data, --only or fewer --seconds`,
    );
  }
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8" }).trim();
}
