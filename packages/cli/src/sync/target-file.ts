import { randomUUID } from "node:crypto";
import { closeSync, futimesSync, openSync, renameSync, unlinkSync, utimesSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { formatPartName } from "@koboldfs/client";
import { type FileStats, lookAt, readStats } from "./file-stats.js";
import { toSystemSeconds } from "./file-time.js";
import { describe } from "./system-failure.js";

export interface TargetOptions {
  /** Nothing was seen under the name. */
  readonly isNew: boolean;
  /** The time of the last write that the file shall have. */
  readonly modifiedMs: number | undefined;
}

/**
 * Writes a small file under another name and renames it: under its own it is never seen half. Nothing else of this process
 * happens in between. Throws `target_unwritable`, and `unsafe_key` for a new file whose name is taken after all.
 */
export function writeTarget(path: string, bytes: Uint8Array, { isNew, modifiedMs }: TargetOptions): void {
  const part = `${dirname(path)}/${formatPartName(randomUUID())}`;
  if (isNew) refuseTaken(path);
  guard(path, () => {
    const file = openSync(part, "wx");
    try {
      try {
        for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
        if (modifiedMs !== undefined) futimesSync(file, toSystemSeconds(modifiedMs), toSystemSeconds(modifiedMs));
      } finally {
        closeSync(file);
      }
      renameSync(part, path);
    } catch (cause) {
      unlinkSync(part);
      throw cause;
    }
  });
}

/**
 * Throws `unsafe_key` when something is there, though the folder has no such name: where `a` and `A`, or two spellings of
 * `ü`, are one file, one of them must not overwrite the other.
 */
export function refuseTaken(path: string): void {
  const stats = lookAt(path, false);
  if (stats === undefined) return;
  const what = stats.isDirectory() ? "a folder" : "a file that came since, or another spelling of its name,";
  throw new KoboldError("unsafe_key", `${what} is in its place and not replaced`);
}

/** Gives a file that is in its place already the time of its last write. Throws `target_unwritable`. */
export function setTargetTime(path: string, modifiedMs: number | undefined): void {
  if (modifiedMs === undefined) return;
  guard(path, () => utimesSync(path, toSystemSeconds(modifiedMs), toSystemSeconds(modifiedMs)));
}

/**
 * How a file that was just written looks, for the memory of digests. Undefined when it was written to since: it has
 * another size or time then.
 */
export function findWritten(path: string, sizeBytes: number, modifiedMs: number | undefined): FileStats | undefined {
  const stats = lookAt(path, false);
  if (stats?.isFile() !== true || modifiedMs === undefined) return undefined;
  const found = readStats(stats, Date.now());
  return found.sizeBytes === sizeBytes && found.modifiedMs === modifiedMs ? found : undefined;
}

function guard(path: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const message = `cannot write ${JSON.stringify(basename(path))}: ${describe(cause)}`;
    throw new KoboldError("target_unwritable", message, { cause });
  }
}
