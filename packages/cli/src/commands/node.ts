import type { NodeInfo } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import { printable } from "../output/printable.js";
import { formatFiles, formatSize } from "../output/sizes.js";
import { formatTable } from "../output/table.js";
import { formatState } from "../node/format-plan.js";
import { makeNodeOrderCommands } from "./node-orders.js";

const EXAMPLES = `
Examples:
  koboldfs node list
  koboldfs node drain beta        take beta's duties away; when done it can be switched off
  koboldfs node forget beta       a machine that never comes back
  koboldfs node refill beta       before beta is started with new disks`;

export function makeNodeCommand(context: CommandContext): Command {
  const command = new Command("node")
    .description("show the nodes of the cluster, and tell them what to do")
    .addHelpText("after", EXAMPLES);
  command.addCommand(
    withConnection(new Command("list"))
      .description("every node")
      .action((options: ConnectionOptions) =>
        withRun(context, options, async (run) => {
          const { output } = run;
          const nodes = await run.connectCluster().nodes();
          if (output.json) await output.lines(nodes.map((node) => JSON.stringify(node)));
          else await output.lines(formatNodes(nodes, output.width));
        }),
      ),
  );
  for (const order of makeNodeOrderCommands(context)) command.addCommand(order);
  return command;
}

export function formatNodes(nodes: readonly NodeInfo[], width?: number): string[] {
  const columns = [
    { title: "NODE" },
    { title: "STATE" },
    { title: "FREE", align: "right" },
    { title: "OF", align: "right" },
    { title: "MISSING" },
    { title: "URL" },
  ] as const;
  const rows = nodes.map((node) => [
    node.name,
    formatState(node),
    formatSize(node.freeBytes),
    formatSize(node.totalBytes),
    formatMissing(node),
    printable(node.url),
  ]);
  return formatTable(columns, rows, width);
}

/** What the node should hold and does not yet: its debts, and what a new node has not been brought up to. */
function formatMissing(node: NodeInfo): string {
  const debt = node.debtFiles === 0 ? "" : `${formatFiles(node.debtFiles)}, ${formatSize(Number(node.debtBytes))}`;
  const backfill = node.backfill === 1 ? "" : `${Math.floor(node.backfill * 100)} % filled`;
  return [debt, backfill].filter((part) => part !== "").join("; ") || "nothing";
}
