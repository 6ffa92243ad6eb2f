import { KoboldError } from "@koboldfs/protocol";

/** No room left, for us or for our quota. */
const FULL = new Set(["ENOSPC", "EDQUOT"]);
/** The device or its file system is failing; the kernel remounts read-only after it met damage. */
const FAILING = new Set(["EIO", "EROFS", "ENXIO", "ENODEV", "EUCLEAN", "ESTALE", "ENOTCONN", "ESHUTDOWN"]);

/** The kernel refused before it asked the disk: descriptors or memory ran out, or the path is gone. */
const BEFORE_DISK = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOENT", "ENOTDIR", "EACCES"]);

/** The name of a system error's errno, or undefined when it is none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || error instanceof KoboldError) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

export function isMissing(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

export function isDiskFull(error: unknown): boolean {
  return FULL.has(errnoOf(error) ?? "");
}

/** Whether the error speaks of the device rather than of this one file or of our process. */
export function isDeviceFailing(error: unknown): boolean {
  return FAILING.has(errnoOf(error) ?? "");
}

/** Whether a failed read speaks of the disk: the file is there, and its bytes are not to be had. */
export function isReadFailing(error: unknown): boolean {
  return isDeviceFailing(error) || isDeviceFailing(error instanceof KoboldError ? error.cause : undefined);
}

/** Whether a failed call says nothing of the disk, because it never got there. */
export function isBeforeDisk(error: unknown): boolean {
  return BEFORE_DISK.has(errnoOf(error) ?? "");
}

/** `disk_full` or `disk_failed` for a system error; anything that has a code of ours already stays as it is. */
export function toDiskError(error: unknown, doing: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  return new KoboldError(isDiskFull(error) ? "disk_full" : "disk_failed", `${doing}: ${errno}`, { cause: error });
}
