import { formatDuration } from "./durations.js";
import type { RegionSize } from "./live-region.js";
import { formatCount, formatFiles, formatSize } from "./sizes.js";
import { cutBeginning, padEnd, padStart, widthOf } from "./text-width.js";

/** Characters between nothing and everything, where there is room. */
const BAR_COLUMNS = 24;
/** A shorter bar tells nothing that the percentage does not. */
const LEAST_BAR_COLUMNS = 8;
const LEAST_NAME_COLUMNS = 12;
const MOST_NAME_COLUMNS = 40;
/** Files that have a line of their own; more would only flicker. */
const MOST_FILE_LINES = 6;

/** A file on its way. */
export interface FileProgress {
  readonly name: string;
  readonly doneBytes: number;
  /** Undefined for a stream whose end is not known. */
  readonly totalBytes?: number | undefined;
}

/** A run of one or more files. */
export interface RunProgress {
  readonly active: readonly FileProgress[];
  readonly doneFiles: number;
  readonly doneBytes: number;
  /** How many there will be in all; undefined while nobody knows. */
  readonly totalFiles?: number | undefined;
  readonly totalBytes?: number | undefined;
  /** Bytes per second, lately. */
  readonly rate?: number | undefined;
}

/** The lines that show how far a run is: one for a single file, else one for each under way and one for all. */
export function formatProgress(run: RunProgress, size: RegionSize): string[] {
  const [only] = run.active;
  if (run.totalFiles === 1) {
    return only === undefined ? [] : [formatFileLine(only, { ...size, nameColumns: nameColumnsOf([only]) }, run.rate)];
  }
  const room = Math.max(Math.min(MOST_FILE_LINES, size.rows - 3), 0);
  const shown = run.active.slice(0, room);
  const widths = { ...size, nameColumns: nameColumnsOf(shown) };
  const lines = shown.map((file) => formatFileLine(file, widths));
  const hidden = run.active.length - shown.length;
  if (hidden > 0) lines.push(`… and ${formatCount(hidden)} more`);
  return [...lines, formatRunLine(run)];
}

interface LineWidths {
  readonly columns: number;
  /** Of the longest name, so that the bars stand below each other. */
  readonly nameColumns: number;
}

function nameColumnsOf(files: readonly FileProgress[]): number {
  return Math.min(Math.max(0, ...files.map(({ name }) => widthOf(name))), MOST_NAME_COLUMNS);
}

function formatFileLine(file: FileProgress, { columns, nameColumns }: LineWidths, rate?: number): string {
  const moved = formatSize(file.doneBytes) + (rate === undefined ? "" : `, ${formatSize(rate)}/s`);
  if (file.totalBytes === undefined) return `${cutName(file.name, columns - widthOf(moved) - 2)}  ${moved}`;
  const share = file.totalBytes === 0 ? 1 : Math.min(file.doneBytes / file.totalBytes, 1);
  const tail = `${padStart(String(Math.floor(share * 100)), 3)} %  ${moved}${formatLeft(file, rate)}`;
  const room = columns - widthOf(tail) - 1;
  const forName = Math.min(nameColumns, Math.max(room - LEAST_BAR_COLUMNS - 2, LEAST_NAME_COLUMNS));
  const bar = Math.min(BAR_COLUMNS, room - forName - 2);
  if (bar < LEAST_BAR_COLUMNS) return `${cutName(file.name, room)} ${tail}`;
  return `${padEnd(cutName(file.name, forName), forName)}  ${formatBar(share, bar)} ${tail}`;
}

function cutName(name: string, room: number): string {
  return cutBeginning(name, Math.max(Math.min(room, MOST_NAME_COLUMNS), LEAST_NAME_COLUMNS));
}

function formatBar(share: number, columns: number): string {
  const filled = Math.floor(share * columns);
  return "█".repeat(filled) + "░".repeat(columns - filled);
}

/** `12 of 40 files, 1.2 GiB of 3.0 GiB, 35 MiB/s, 1 min 20 s left` */
function formatRunLine(run: RunProgress): string {
  const { doneFiles, totalFiles, doneBytes, totalBytes, rate } = run;
  const files =
    totalFiles === undefined ? formatFiles(doneFiles) : `${formatCount(doneFiles)} of ${formatFiles(totalFiles)}`;
  const bytes =
    totalBytes === undefined ? formatSize(doneBytes) : `${formatSize(doneBytes)} of ${formatSize(totalBytes)}`;
  const speed = rate === undefined ? "" : `, ${formatSize(rate)}/s`;
  return `${files}, ${bytes}${speed}${formatLeft(run, rate)}`;
}

function formatLeft({ doneBytes, totalBytes }: Pick<RunProgress, "doneBytes" | "totalBytes">, rate?: number): string {
  if (totalBytes === undefined || rate === undefined || rate <= 0) return "";
  return `, ${formatDuration(Math.max(totalBytes - doneBytes, 0) / rate)} left`;
}
