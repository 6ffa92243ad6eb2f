import { formatAims } from "./aims.js";
import type { Row } from "../measure/measurement.js";
import type { ProcessMemory } from "../measure/processes.js";

/** Above this share of a core the load generator is what was measured. */
const GENERATOR_LIMIT = 0.9;

const HEADINGS = [
  "",
  "requests/s",
  "x yardstick",
  "CPU s/1000",
  "p50 ms",
  "p99 ms",
  "peak MiB by process",
  "generator",
] as const;

/** One workload as a table for people, its rows in the order they were measured. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map((row) => formatRow(row, rows))];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join("  ")
      .trimEnd(),
  );
  return [
    rows[0]?.workload ?? "",
    ...text.map((line) => `  ${line}`),
    ...formatAims(rows),
    ...formatErrors(rows),
    "",
  ].join("\n");
}

/** Requests per second over the yardstick's; undefined when the yardstick was not measured. */
export function ratioOf(row: Row, rows: readonly Row[]): number | undefined {
  const yardstick = rows.find(({ workload, subject }) => workload === row.workload && subject === row.yardstick);
  return yardstick && row.median.requestsPerSecond / yardstick.median.requestsPerSecond;
}

function formatRow(row: Row, rows: readonly Row[]): string[] {
  const { median } = row;
  const ratio = ratioOf(row, rows);
  return [
    row.subject,
    median.requestsPerSecond.toFixed(0),
    row.yardstick === row.subject || ratio === undefined ? "-" : `${ratio.toFixed(3)} ${row.yardstick}`,
    formatKnown(median.cpuSecondsPer1000, 3),
    formatKnown(median.latencyMs.p50, 2),
    formatKnown(median.latencyMs.p99, 2),
    formatMemory(median.memory),
    `${(median.generatorLoad * 100).toFixed(0)} %${median.generatorLoad > GENERATOR_LIMIT ? " (its limit!)" : ""}`,
  ];
}

/** A generator may not know the latency of single requests, and the disk is no process. */
function formatKnown(value: number, digits: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(digits);
}

/** Processes of one name side by side: `node 120+110`. */
function formatMemory(memory: readonly ProcessMemory[]): string {
  const names = [...new Set(memory.map(({ name }) => name))];
  const peaksOf = (wanted: string) =>
    memory.filter(({ name }) => name === wanted).map(({ peakMiB }) => peakMiB.toFixed(0));
  return names.map((name) => `${name} ${peaksOf(name).join("+")}`).join(", ");
}

function formatErrors(rows: readonly Row[]): string[] {
  return rows.flatMap(({ subject, median }) => median.errors.map((error) => `  FAILED ${subject}: ${error}`));
}

function pad(cell: string, width: number, column: number): string {
  const isText = column === 0 || column === 2 || column === 6;
  return isText ? cell.padEnd(width) : cell.padStart(width);
}
