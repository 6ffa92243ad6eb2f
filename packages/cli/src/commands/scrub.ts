import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { printable } from "../output/printable.js";
import { followScrub } from "../scrub/follow-scrub.js";
import { formatPassEnd, formatProof } from "../scrub/format-scrub.js";

const EXAMPLES = `
Every node reads its copies again all the time, slowly. What it finds is repaired from the others.

Examples:
  koboldfs scrub                    how far each node is
  koboldfs scrub --now              read everything now, on every node, as fast as the disks can
  koboldfs scrub --now --node beta  on one node only`;

interface ScrubOptions extends ConnectionOptions {
  readonly now?: true;
  readonly node?: string;
}

export function makeScrubCommand(context: CommandContext): Command {
  return withConnection(new Command("scrub"))
    .description("read all copies again and repair what is bad or missing")
    .option("--now", "read everything now, and wait until it is done")
    .option("--node <NAME>", "on this node only")
    .addHelpText("after", EXAMPLES)
    .action((options: ScrubOptions) =>
      withRun(context, options, (run) => (options.now === true ? scrubNow(run, options) : show(run, options))),
    );
}

async function scrubNow(run: Run, { node }: ScrubOptions): Promise<void> {
  const begun = await run.connectCluster().orderScrub({ repairs: true, ...(node !== undefined && { node }) });
  const passes = await followScrub(run, begun);
  if (run.output.json) await run.output.line(JSON.stringify({ nodes: passes }));
  else await run.output.lines(passes.flatMap(formatPassEnd));
  if (passes.some(({ pass }) => pass?.state !== "done")) run.context.exitWith(EXIT.failure);
}

async function show(run: Run, { node: wanted }: ScrubOptions): Promise<void> {
  const { nodes } = await run.connectCluster().scrubs();
  const shown = nodes.filter(({ node }) => wanted === undefined || node === wanted);
  if (run.output.json) return run.output.line(JSON.stringify({ nodes: shown }));
  const lines = shown.map(({ node, scrub }) => {
    return `${printable(node)}: ${scrub === undefined ? "does not answer" : formatProof(scrub, Date.now())}`;
  });
  return run.output.lines(lines);
}
