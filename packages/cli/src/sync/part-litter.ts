import { unlinkSync } from "node:fs";
import { findPartOwner } from "@koboldfs/client";

/** Removes what a killed download left behind; one that still runs goes on with its own. */
export function removeLitter(name: string, path: string): void {
  const owner = findPartOwner(name);
  if (owner === undefined || isAlive(owner)) return;
  try {
    unlinkSync(path);
  } catch {
    // Another run may have removed it first, or it may belong to somebody else; it hurts nobody.
  }
}

/** Whether a process with this number runs on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
