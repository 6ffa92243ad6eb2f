import type { StatusReply } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import { printable } from "../output/printable.js";
import { formatCount, formatSize } from "../output/sizes.js";
import type { TableOptions } from "../output/table.js";
import { formatNamespaces } from "./namespace.js";
import { formatProofs } from "../scrub/format-scrub.js";
import { formatLateWebhooks } from "./webhook.js";
import { formatNodes, formatVolumeTrouble } from "./node.js";

const EXAMPLES = `
Example:
  koboldfs status --server http://10.0.0.1:9876`;

export function makeStatusCommand(context: CommandContext): Command {
  return withConnection(new Command("status"))
    .description("show nodes, missing copies and namespaces")
    .addHelpText("after", EXAMPLES)
    .action((options: ConnectionOptions) =>
      withRun(context, options, async (run) => {
        const { output } = run;
        const status = await run.connectCluster().status();
        if (output.json) await output.line(JSON.stringify(status));
        else await output.lines(formatStatus(status, output.table));
      }),
    );
}

function formatStatus(status: StatusReply, options: TableOptions): string[] {
  return [
    `cluster ${printable(status.cluster)}, catalog ${printable(status.catalog)} at ${formatCount(status.head)}, seen by ${printable(status.node)}`,
    ...formatHistory(status),
    ...formatLateWebhooks(status.webhooks ?? []),
    ...formatInDoubt(status),
    "",
    ...formatNodes(status.nodes, options),
    ...formatVolumeTrouble(status.nodes),
    "",
    ...formatProofs(status.nodes, Date.now()),
    "",
    ...formatNamespaces(status.namespaces, options),
  ];
}

/** Unfinished transactions are ordinary; one that is prepared holds keys, and one in doubt needs somebody. */
function formatInDoubt({ transactions }: StatusReply): string[] {
  if (transactions === undefined || transactions.open + transactions.prepared === 0) return [];
  const { open, prepared, inDoubt, stagedBytes, oldestOpen, oldestPrepared } = transactions;
  const since = (time: string | undefined) => (time === undefined ? "" : ` since ${printable(time)}`);
  const counts = `${formatCount(open)} open${since(oldestOpen)}, ${formatCount(prepared)} prepared${since(oldestPrepared)}`;
  const lines = [`transactions: ${counts}, ${formatSize(stagedBytes)} staged`];
  if (inDoubt > 0) {
    lines.push(`${formatCount(inDoubt)} of them in doubt: their keys are held, see 'koboldfs transaction list'`);
  }
  return lines;
}

/** Only what is out of the ordinary: a catalog that is away, and what a failover broke. */
function formatHistory({ asOf, epoch, history }: StatusReply): string[] {
  const lines: string[] = [];
  if (asOf !== undefined) {
    lines.push(`the catalog does not answer: as of ${formatCount(asOf.number)}, ${printable(asOf.time)}`);
  }
  if (epoch > 0) lines.push(`epoch ${epoch}: the catalog was mended after a failover`);
  for (const { kind, from, to, time } of history) lines.push(`${printable(time)} ${kind} ${from} to ${to}`);
  return lines;
}
