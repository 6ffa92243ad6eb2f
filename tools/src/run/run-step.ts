import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { WORKSPACE_ROOT } from "../workspace.js";
import type { Step } from "./step.js";
import { countVitest, type VitestOutcome, type VitestReport } from "./vitest-report.js";

const FAILED: VitestOutcome = { tally: { passed: 0, failed: 1, skipped: 0 }, skippedNames: [] };
const PASSED: VitestOutcome = { tally: { passed: 1, failed: 0, skipped: 0 }, skippedNames: [] };

/** A step that hangs must not hang the run for ever; whole clusters take a good part of this on a slow machine. */
const STEP_TIMEOUT_MS = 60 * 60_000;

/** Runs a step to its end with everything it prints going to `logPath`. Never throws for a step that fails. */
export async function runStep(step: Step, logPath: string): Promise<VitestOutcome> {
  if (!step.isVitest) return (await runCommand(step.command, logPath)) === 0 ? PASSED : FAILED;
  const reportPath = `${logPath}.json`;
  await rm(reportPath, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportPath}`];
  const code = await runCommand([...step.command, ...reporters], logPath);
  try {
    return countVitest(JSON.parse(await readFile(reportPath, "utf8")) as VitestReport, code);
  } catch {
    // Vitest died before it wrote its report: the log says why, and the step failed.
    return FAILED;
  }
}

async function runCommand(command: readonly string[], logPath: string): Promise<number> {
  const [file = "", ...args] = command;
  const log = createWriteStream(logPath);
  log.write(`$ ${command.join(" ")}\n`);
  const child = spawn(file, args, {
    cwd: WORKSPACE_ROOT,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STEP_TIMEOUT_MS,
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const code = await new Promise<number>((resolve) => {
    child.once("error", (error) => {
      log.write(`${error.message}\n`);
      resolve(1);
    });
    child.once("close", (exitCode, signal) => {
      if (signal) log.write(`ended by ${signal}\n`);
      resolve(exitCode ?? 1);
    });
  });
  log.end();
  await finished(log);
  return code;
}
