import type { TransactionInfo, TransactionReply, TransactionState, TransactionStep } from "@koboldfs/client";
import { Command, Option } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { confirm } from "../node/confirm.js";
import { printable } from "../output/printable.js";
import { formatCount, formatSize } from "../output/sizes.js";
import { formatTable, type TableOptions } from "../output/table.js";

interface ListOptions extends ConnectionOptions {
  readonly state?: TransactionState;
  readonly all?: true;
}

interface EndOptions extends ConnectionOptions {
  readonly yes?: true;
  readonly force?: true;
}

const EXAMPLES = `
A prepared transaction waits for whoever coordinates it and holds its keys meanwhile. End one only when you know what the
coordinator decided: to abort what it committed elsewhere, or the other way round, is what transactions are there to prevent.

Examples:
  koboldfs transaction list
  koboldfs transaction show 0123456789abcdef0123456789abcdef
  koboldfs transaction abort 0123456789abcdef0123456789abcdef --force`;

export function makeTransactionCommand(context: CommandContext): Command {
  const command = new Command("transaction").description("show and end transactions").addHelpText("after", EXAMPLES);
  command.addCommand(makeListCommand(context));
  command.addCommand(
    withConnection(new Command("show"))
      .description("how a transaction stands and what it has staged, or what came of it")
      .argument("<id>")
      .action((id: string, options: ConnectionOptions) =>
        withRun(context, options, async (run) => {
          const info = await run.connectCluster().getTransaction(id);
          if (run.output.json) await run.output.line(JSON.stringify(info));
          else await run.output.lines(formatTransaction(info, run.output.table));
        }),
      ),
  );
  command.addCommand(makeEndCommand(context, "commit", "make everything current that a transaction has staged"));
  command.addCommand(makeEndCommand(context, "abort", "forget everything that a transaction has staged"));
  return command;
}

function makeListCommand(context: CommandContext): Command {
  return withConnection(new Command("list"))
    .description("the transactions that are not finished, the oldest first")
    .addOption(
      new Option("--state <STATE>", "only those in this state").choices(["open", "prepared", "committed", "aborted"]),
    )
    .option("--all", "also those that ended within the last 30 days")
    .action((options: ListOptions) => withRun(context, options, (run) => listTransactions(run, options)));
}

function makeEndCommand(context: CommandContext, step: TransactionStep, description: string): Command {
  return withConnection(new Command(step))
    .description(description)
    .argument("<id>")
    .option("--force", "also when it was begun with another token")
    .option("--yes", "do not ask")
    .action((id: string, options: EndOptions) =>
      withRun(context, options, (run) => endTransaction(run, { id, step }, options)),
    );
}

async function listTransactions(run: Run, options: ListOptions): Promise<void> {
  const { context, output } = run;
  const states: readonly (TransactionState | undefined)[] =
    options.state !== undefined ? [options.state] : options.all === true ? [undefined] : ["open", "prepared"];
  const found: TransactionInfo[] = [];
  for (const state of states) {
    const query = { signal: context.signal, ...(state !== undefined && { state }) };
    for await (const info of run.connectCluster().listTransactions(query)) found.push(info);
  }
  found.sort((a, b) => (a.begun < b.begun ? -1 : 1));
  if (output.json) await output.lines(found.map((info) => JSON.stringify(info)));
  else await output.lines(formatTransactions(found, output.table));
}

/** Who ends a transaction by hand shall see first whose it is and what it would do. */
async function endTransaction(
  run: Run,
  { id, step }: { readonly id: string; readonly step: TransactionStep },
  options: EndOptions,
): Promise<void> {
  const { context, output } = run;
  const client = run.connectCluster();
  if (options.yes !== true) {
    const info = await client.getTransaction(id);
    if (!output.json) await output.lines(formatTransaction(info, output.table));
    if (!(await confirm(context, step === "commit" ? "Commit it?" : "Abort it?"))) return;
  }
  const info = await client.finishTransaction(id, step, options.force === true ? { force: true } : {});
  await output.result(info, `${printable(info.id)} is ${info.state}`);
}

function formatTransactions(transactions: readonly TransactionInfo[], options: TableOptions): string[] {
  const columns = [
    { title: "TRANSACTION" },
    { title: "STATE" },
    { title: "BEGUN" },
    { title: "KEYS", align: "right" },
    { title: "STAGED", align: "right" },
  ] as const;
  const rows = transactions.map((info) => [
    printable(info.id),
    info.state,
    printable(info.begun),
    formatCount(info.changes),
    formatSize(info.bytes),
  ]);
  return formatTable(columns, rows, options);
}

function formatTransaction(info: TransactionReply, options: TableOptions): string[] {
  const { id, state, begun, expires, prepared, finished, version, reason, changes, bytes, staged } = info;
  const lines = [
    `transaction  ${printable(id)}`,
    `state        ${state}${reason === undefined ? "" : ` (${printable(reason)})`}`,
    `begun        ${printable(begun)}`,
  ];
  const more = { expires, prepared, finished, version };
  for (const [name, value] of Object.entries(more)) {
    if (value !== undefined) lines.push(`${name.padEnd("transaction".length)}  ${printable(String(value))}`);
  }
  lines.push(`keys         ${formatCount(changes)}`, `staged       ${formatSize(bytes)}`);
  if (staged.length === 0) return lines;
  const columns = [{ title: "CHANGE" }, { title: "KEY" }, { title: "SIZE", align: "right" }] as const;
  const rows = staged.map(({ namespace, key, kind, size }) => [
    kind,
    printable(`${namespace}/${key}`),
    size === undefined ? "" : formatSize(size),
  ]);
  return [...lines, "", ...formatTable(columns, rows, options)];
}
