import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runStep } from "./run-step.js";
import { addTallies, formatTally, NOTHING, type Step, type Tally } from "./step.js";

/** Takes what a person should see of a run. */
export type Print = (text: string) => void;

/**
 * Runs the steps one after another, one calm line each, with a step's output only when it failed; all of it is in
 * `logFolder`. Behind a failed foundation everything is skipped.
 */
export async function runProfile(steps: readonly Step[], logFolder: string, print: Print): Promise<Tally> {
  let total = NOTHING;
  for (const [index, step] of steps.entries()) {
    const logPath = join(logFolder, `${index + 1}-${step.name.replace(/[^a-z0-9]+/g, "-")}.log`);
    const tally = await runAndReport(step, logPath, print);
    total = addTallies(total, tally);
    const behind = steps.length - index - 1;
    if (tally.failed > 0 && step.isFoundation && behind > 0) {
      print(`skipped the ${behind} steps that need it\n`);
      return addTallies(total, { ...NOTHING, skipped: behind });
    }
  }
  return total;
}

async function runAndReport(step: Step, logPath: string, print: Print): Promise<Tally> {
  const startedAt = performance.now();
  print(`${step.name.padEnd(30)} `);
  const { tally, skippedNames } = await runStep(step, logPath);
  const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`.padStart(8);
  const verdict = tally.failed > 0 ? "FAILED" : "ok";
  print(`${verdict.padEnd(6)} ${seconds}${step.isVitest ? `  ${formatTally(tally)}` : ""}\n`);
  for (const name of skippedNames) print(`  skipped: ${name}\n`);
  if (tally.failed > 0) print(`${await readFile(logPath, "utf8")}\n(from ${logPath})\n`);
  return tally;
}
