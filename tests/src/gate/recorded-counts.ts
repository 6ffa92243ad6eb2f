import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type CountTable, type RecordedCounts, roundCounts } from "./compare-counts.js";

/** Kept in git, beside the source. */
const FILE = fileURLToPath(new URL("../../src/gate/recorded-counts.json", import.meta.url));

export const NODE_MAJOR = Number(process.versions.node.split(".")[0]);

export function readRecordedCounts(): RecordedCounts {
  return JSON.parse(readFileSync(FILE, "utf8")) as RecordedCounts;
}

export function writeRecordedCounts(table: CountTable): void {
  const recorded: RecordedCounts = { nodeMajor: NODE_MAJOR, counts: roundCounts(table) };
  writeFileSync(FILE, `${JSON.stringify(recorded, undefined, 2)}\n`);
}
