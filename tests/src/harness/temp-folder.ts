import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "./at-exit.js";
import { isAlive } from "./owned-process.js";

/** The owner's pid is part of the name, so that a later run can tell and remove what a killed runner left behind. */
const PREFIX = "koboldfs-cluster-";

/** What is mounted where, on Linux. */
const MOUNTS = "/proc/mounts";

let swept = false;

export interface TempFolder {
  readonly path: string;
  remove(): void;
}

/** A private folder that goes when it is removed, or at the latest when this process exits. */
export function makeTempFolder(): TempFolder {
  if (!swept) sweepFoldersOfDeadRunners();
  swept = true;
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const forget = atExit(() => removeFolder(path));
  return {
    path,
    remove() {
      removeFolder(path);
      forget();
    },
  };
}

function removeFolder(path: string): void {
  unmountBelow(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function sweepFoldersOfDeadRunners(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^koboldfs-cluster-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeFolder(join(tmpdir(), name));
  }
}

/** A test that was killed leaves its file systems mounted; the innermost goes first. */
function unmountBelow(path: string): void {
  const points = existsSync(MOUNTS)
    ? readFileSync(MOUNTS, "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "")
    : [];
  for (const point of points.filter((one) => one.startsWith(`${path}/`)).reverse())
    execFileSync("umount", ["-l", point]);
}
