import type { NodeInfo, NodeStateName } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import type { Tone } from "../output/colors.js";
import { formatDuration } from "../output/durations.js";
import { printable } from "../output/printable.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import { type Column, formatTable, type TableOptions } from "../output/table.js";
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
          else await output.lines(formatNodes(nodes, output.table));
        }),
      ),
  );
  for (const order of makeNodeOrderCommands(context)) command.addCommand(order);
  return command;
}

const TONES: Readonly<Record<NodeStateName, Tone>> = {
  alive: "good",
  readonly: "warning",
  draining: "warning",
  down: "bad",
  dead: "bad",
};

export function formatNodes(nodes: readonly NodeInfo[], options: TableOptions): string[] {
  const columns: readonly Column[] = [
    { title: "NODE" },
    { title: "STATE", toneOf: (state) => TONES[state.split(" ")[0] as NodeStateName] },
    { title: "FREE", align: "right" },
    { title: "OF", align: "right" },
    { title: "MISSING", toneOf: (missing) => (missing === COMPLETE ? undefined : "warning") },
    { title: "URL" },
  ];
  const rows = nodes.map((node) => [
    printable(node.name),
    formatState(node),
    formatSize(node.freeBytes),
    formatSize(node.totalBytes),
    formatMissing(node),
    printable(node.url),
  ]);
  return formatTable(columns, rows, options);
}

/** How much, since when, and how long it will take at the pace of the last minute. */
function formatDebt({ debtFiles, debtBytes, debtSince, debtSecondsLeft }: NodeInfo): string {
  const amount = `${formatFiles(debtFiles)}, ${formatSize(Number(debtBytes))}`;
  const since = debtSince === undefined ? "" : `, since ${printable(debtSince.replace(/\.\d+Z$/, "Z"))}`;
  const left = debtSecondsLeft === undefined ? "" : `, about ${formatDuration(debtSecondsLeft)} left`;
  return `${amount}${since}${left}`;
}

/** Volumes that are not as they should be, and what to do about them. */
export function formatVolumeTrouble(nodes: readonly NodeInfo[]): string[] {
  return nodes.flatMap(({ name, upkeep }) =>
    (upkeep?.volumes ?? [])
      .filter(({ state }) => state !== "good")
      .map(({ path, state, reason, hint }) => {
        const said = [state === "full" ? "is full" : "is taken out", reason, hint].filter((part) => part !== undefined);
        return `volume ${printable(path)} of ${printable(name)} ${said.map(printable).join(": ")}`;
      }),
  );
}

const COMPLETE = "nothing";

/** What the node should hold and does not yet: its debts, what a new node has not been brought up to, and the journal. */
function formatMissing(node: NodeInfo): string {
  const debt = node.debtFiles === 0 ? "" : formatDebt(node);
  const backfill = node.backfill === 1 ? "" : `${Math.floor(node.backfill * 100)} % filled`;
  const lag = node.mirror?.lag ?? 0;
  const mirror = lag === 0 ? "" : `mirror ${formatCount(lag)} behind`;
  return [debt, backfill, mirror].filter((part) => part !== "").join("; ") || COMPLETE;
}
