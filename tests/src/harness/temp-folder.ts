import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "./at-exit.js";
import { isAlive } from "./owned-process.js";

/** The owner's pid is part of the name, so that a later run can tell and remove what a killed runner left behind. */
const PREFIX = "koboldfs-cluster-";

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
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function sweepFoldersOfDeadRunners(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^koboldfs-cluster-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) removeFolder(join(tmpdir(), name));
  }
}
