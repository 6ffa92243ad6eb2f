import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PROFILES } from "./run/profiles.js";
import { runProfile } from "./run/run-profile.js";
import { addTallies, formatTally, NOTHING, type Tally } from "./run/step.js";
import { WORKSPACE_ROOT } from "./workspace.js";

const RUN_FOLDER = join(WORKSPACE_ROOT, ".run");
const CLOSING_LINE = join(RUN_FOLDER, "closing-line");

/** Where a profile leaves what it counted, for a run that continues it. */
const tallyPath = (profile: string) => join(RUN_FOLDER, `${profile}.json`);

/** `run-steps PROFILE [--after PROFILE]`: the closing line includes what the profile that ran before counted. */
async function main(profile = "", flag = "", before = ""): Promise<void> {
  const steps = PROFILES[profile];
  if (!steps) throw new Error(`usage: run-steps ${Object.keys(PROFILES).join("|")} [--after PROFILE]`);
  const earlier = flag === "--after" ? (JSON.parse(await readFile(tallyPath(before), "utf8")) as Tally) : NOTHING;
  const logFolder = join(RUN_FOLDER, profile);
  await Promise.all(
    [logFolder, tallyPath(profile), CLOSING_LINE].map((path) => rm(path, { recursive: true, force: true })),
  );
  await mkdir(logFolder, { recursive: true });

  const print = (text: string) => process.stdout.write(text);
  const total = addTallies(earlier, await runProfile(steps, logFolder, print));
  const closingLine = `${formatTally(total)}\n`;
  await writeFile(tallyPath(profile), JSON.stringify(total));
  await writeFile(CLOSING_LINE, closingLine);
  // .ci/run goes on behind `npm test`, and has one closing line at its own end.
  if (process.env["CLOSING_LINE"] !== "later") print(closingLine);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

await main(...process.argv.slice(2));
