/** Where the time of a file's last write goes with it: metadata of the stored file. */
const NAME = "mtime";
/** Half a microsecond, the finest that Node tells the system. */
const ROUNDING_SECONDS = 0.000_000_5;

/** The metadata that remember when a file was written; none for a time that no date can tell. */
export function formatFileTime(modifiedMs: number): Record<string, string> {
  const date = new Date(modifiedMs);
  return Number.isNaN(date.getTime()) ? {} : { [NAME]: date.toISOString() };
}

/** When a stored file was written, in milliseconds: what its metadata remember, or else when it was stored. */
export function readFileTime(info: {
  readonly metadata: Readonly<Record<string, string>>;
  readonly modified: string;
}): number | undefined {
  for (const text of [info.metadata[NAME], info.modified]) {
    const modifiedMs = Date.parse(text ?? "");
    if (!Number.isNaN(modifiedMs)) return modifiedMs;
  }
  return undefined;
}

/**
 * A time as the system is told of it. Node cuts the seconds off behind the microsecond, and what is a whole millisecond
 * may be a hair less as a fraction: every second file would get a time that is one millisecond too early.
 */
export function toSystemSeconds(modifiedMs: number): number {
  return modifiedMs / 1000 + ROUNDING_SECONDS;
}
