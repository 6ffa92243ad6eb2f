import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runProfile } from "./run-profile.js";
import type { Step } from "./step.js";

let folder: string;
let printed: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-run-"));
  printed = "";
});
afterEach(() => rm(folder, { recursive: true }));

const step = (name: string, program: string): Step => ({ name, command: [process.execPath, "--eval", program] });
const run = (...steps: Step[]) =>
  runProfile(steps, folder, (text) => {
    printed += text;
  });

it("counts each step once, and shows output only of what failed", async () => {
  const tally = await run(step("good", "console.log('quiet')"), step("bad", "console.error('loud'); process.exit(3)"));
  expect(tally).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(printed).toMatch(/^good +ok .*\nbad +FAILED .*\n/);
  expect(printed).toContain("loud");
  expect(printed).not.toContain("quiet");
  expect(await readdir(folder)).toEqual(["1-good.log", "2-bad.log"]);
});

it("counts a program that cannot be started as failed", async () => {
  const tally = await run({ name: "gone", command: [join(folder, "no-such-program")] });
  expect(tally).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(printed).toContain("ENOENT");
});

it("counts a vitest run that leaves no report as failed", async () => {
  const tally = await run({ ...step("dead", "process.exit(0)"), isVitest: true });
  expect(tally).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

it("skips what stands behind a failed foundation, and counts it", async () => {
  const tally = await run({ ...step("build", "process.exit(1)"), isFoundation: true }, step("a", ""), step("b", ""));
  expect(tally).toEqual({ passed: 0, failed: 1, skipped: 2 });
});
