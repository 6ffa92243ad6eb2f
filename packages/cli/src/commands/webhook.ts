import type { WebhookInfo } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { parsePrefixAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { formatCount } from "../output/sizes.js";
import { formatTable, type TableOptions } from "../output/table.js";

const EXAMPLES = `
A webhook is told of every change of files from the moment it is added, in order, as JSON by POST. A message counts when
the answer is 2xx within 8 seconds; else it comes again, later and later, at most five minutes apart. See docs/webhooks.md.

Examples:
  koboldfs webhook add https://example.org/hook demo/inbox/     and keep the secret that it prints
  koboldfs webhook list
  koboldfs webhook remove 3f0c9a6d2b7e4815`;

export function makeWebhookCommand(context: CommandContext): Command {
  const command = new Command("webhook").description("tell URLs what changes").addHelpText("after", EXAMPLES);
  command.addCommand(
    withConnection(new Command("add"))
      .description("tell a URL of every change from now on; prints the secret that messages are signed with, once")
      .argument("<url>", "http or https")
      .argument("[where]", "NAMESPACE or NAMESPACE/PREFIX (default: every namespace)")
      .action((url: string, where: string | undefined, options: ConnectionOptions) =>
        withRun(context, options, (run) => addWebhook(run, url, where)),
      ),
  );
  command.addCommand(
    withConnection(new Command("list"))
      .description("show who is told, and how far each is")
      .action((options: ConnectionOptions) => withRun(context, options, showWebhooks)),
  );
  command.addCommand(
    withConnection(new Command("remove"))
      .description("tell it nothing any more")
      .argument("<id>", "as 'koboldfs webhook list' shows it")
      .action((id: string, options: ConnectionOptions) =>
        withRun(context, options, async (run) => {
          await run.connectCluster().removeWebhook(id, { signal: run.context.signal });
          await run.output.result({ id, removed: true }, `removed ${printable(id)}`);
        }),
      ),
  );
  return command;
}

async function addWebhook(run: Run, url: string, where?: string): Promise<void> {
  const { context, output } = run;
  const { namespace, key: prefix } = where === undefined ? { key: "" } : parsePrefixAddress(where);
  const wish = { url, prefix, ...(namespace !== undefined && { namespace }) };
  const webhook = await run.connectCluster().addWebhook(wish, { signal: context.signal });
  const { id, secret } = webhook;
  await output.result(webhook, `added ${printable(id)}\nsecret ${printable(secret)} (not shown again)`);
}

async function showWebhooks(run: Run): Promise<void> {
  const { context, output } = run;
  const webhooks = await run.connectCluster().webhooks({ signal: context.signal });
  if (output.json) await output.lines(webhooks.map((webhook) => JSON.stringify(webhook)));
  else await output.lines(formatWebhooks(webhooks, output.table));
}

function formatWebhooks(webhooks: readonly WebhookInfo[], options: TableOptions): string[] {
  const columns = [
    { title: "ID" },
    { title: "WHERE" },
    { title: "BEHIND", align: "right" },
    { title: "STATE" },
    { title: "URL" },
  ] as const;
  const rows = webhooks.map((webhook) => [
    printable(webhook.id),
    whereOf(webhook),
    formatCount(webhook.behind),
    stateOf(webhook),
    printable(webhook.url),
  ]);
  return formatTable(columns, rows, options);
}

/** Those that do not take what they are told: one line each, for the status. */
export function formatLateWebhooks(webhooks: readonly WebhookInfo[]): string[] {
  const late = webhooks.filter(({ failures }) => failures > 0);
  return late.map((webhook) => {
    const { behind, id, url } = webhook;
    return `webhook ${printable(id)} (${printable(url)}) is ${formatCount(behind)} behind: ${stateOf(webhook)}`;
  });
}

function whereOf({ namespace, prefix }: WebhookInfo): string {
  return namespace === undefined
    ? `*${printable(prefix)}`
    : printable(prefix === "" ? namespace : `${namespace}/${prefix}`);
}

function stateOf({ failures, error }: WebhookInfo): string {
  if (failures === 0) return "ok";
  return `${failures === 1 ? "1 failure" : `${formatCount(failures)} failures`}, ${printable(error ?? "unknown")}`;
}
