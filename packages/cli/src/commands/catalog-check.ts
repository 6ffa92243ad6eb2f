import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { formatFiles } from "../output/sizes.js";
import { followScrub } from "../scrub/follow-scrub.js";
import { countFindings, formatPassEnd, type NodePass } from "../scrub/format-scrub.js";

const EXAMPLES = `
Compares what the catalog names with what every node has, both ways, while the cluster runs, and reads all copies again.
It ends with 1 while something remains: with --repair that is what no node had good bytes of. Orphaned files are the
reaper's, which takes them within hours. Interrupted, it goes on where it was when it is called again.

Examples:
  koboldfs catalog check
  koboldfs catalog check --repair`;

/** Debts that do not get fewer for this long are not being paid. */
const PATIENCE_MS = 10_000;
const POLL_MS = 500;

interface CheckOptions extends ConnectionOptions {
  readonly repair?: true;
}

export function makeCatalogCheckCommand(context: CommandContext): Command {
  return withConnection(new Command("check"))
    .description("compare what the catalog names with what the nodes have")
    .option("--repair", "mend what is found, and wait until it is")
    .addHelpText("after", EXAMPLES)
    .action((options: CheckOptions) => withRun(context, options, (run) => check(run, options.repair === true)));
}

async function check(run: Run, repairs: boolean): Promise<void> {
  const begun = await run.connectCluster().orderScrub({ repairs });
  const nodes = await followScrub(run, begun);
  const owed = repairs ? await waitForRepair(run) : await countOwed(run);
  const remaining = countRemaining(nodes, { owed, repairs });
  if (run.output.json) await run.output.line(JSON.stringify({ nodes, owed, remaining }));
  else await run.output.lines([...nodes.flatMap(formatPassEnd), formatEnd({ owed, remaining })]);
  const isWhole = nodes.every(({ pass }) => pass?.state === "done");
  if (remaining > 0 || !isWhole) run.context.exitWith(EXIT.failure);
}

/** What was mended counts no more; what is owed still could not be. */
function countRemaining(nodes: readonly NodePass[], { owed, repairs }: { owed: number; repairs: boolean }): number {
  if (repairs) return owed;
  const found = nodes.map(({ pass }) => {
    // What is owed is counted once, by the catalog.
    return pass === undefined ? 0 : countFindings({ ...pass.findings, "under-replicated": 0 });
  });
  return found.reduce((sum, count) => sum + count, owed);
}

function formatEnd({ owed, remaining }: { owed: number; remaining: number }): string {
  if (remaining === 0) return "nothing remains";
  return owed === 0
    ? `${remaining} findings remain`
    : `${remaining} remain; of ${formatFiles(owed)} a node has no copy`;
}

/** Blobs that some node should have and does not; those of nodes that are dead are nobody's. */
async function countOwed(run: Run): Promise<number> {
  const nodes = await run.connectCluster().nodes();
  return nodes.filter(({ state }) => state !== "dead").reduce((sum, { debtFiles }) => sum + debtFiles, 0);
}

/** Until all is repaired, or nothing more is: what then remains nobody has good bytes of, or its node does not answer. */
async function waitForRepair(run: Run): Promise<number> {
  let owed = await countOwed(run);
  let progressMs = Date.now();
  while (owed > 0 && Date.now() - progressMs < PATIENCE_MS) {
    await sleep(POLL_MS, undefined, { signal: run.context.signal });
    const now = await countOwed(run);
    if (now < owed) progressMs = Date.now();
    owed = now;
  }
  return owed;
}
