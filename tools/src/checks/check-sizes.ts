import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listSources, WORKSPACE_ROOT } from "../workspace.js";
import { measureSource } from "./measure-source.js";

/** A file or function beyond these holds two ideas: find the seam. */
const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;

const fileLines: number[] = [];
const functionLines: number[] = [];
const findings: string[] = [];

for (const path of await listSources()) {
  const { lines, functions } = measureSource(path, await readFile(join(WORKSPACE_ROOT, path), "utf8"));
  fileLines.push(lines);
  if (lines > MAX_FILE_LINES) findings.push(`${path}: ${lines} lines, at most ${MAX_FILE_LINES}`);
  for (const { name, line, lines: length } of functions) {
    functionLines.push(length);
    if (length > MAX_FUNCTION_LINES)
      findings.push(`${path}:${line}: ${name} has ${length} lines, at most ${MAX_FUNCTION_LINES}`);
  }
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

for (const finding of findings) process.stdout.write(`${finding}\n`);
process.stdout.write(
  `${fileLines.length} files, median ${median(fileLines)} lines, longest ${Math.max(...fileLines)}\n`,
);
process.stdout.write(
  `${functionLines.length} functions, median ${median(functionLines)} lines, longest ${Math.max(...functionLines)}\n`,
);
process.exitCode = findings.length === 0 && fileLines.length > 0 ? 0 : 1;
