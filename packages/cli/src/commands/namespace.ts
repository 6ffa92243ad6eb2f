import type { NamespaceInfo } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { parseCount, parseDuration } from "../option-values.js";
import { printable } from "../output/printable.js";
import { formatCount, formatSize } from "../output/sizes.js";
import { formatTable, type TableOptions } from "../output/table.js";

interface CreateOptions extends ConnectionOptions {
  readonly minCopies?: number;
  readonly urlTemplate?: string;
  readonly retention?: number;
  readonly expireAfter?: number;
}

const EXAMPLES = `
Examples:
  koboldfs namespace create demo
  koboldfs namespace create photos --min-copies 2 --url-template '{url}/direct/{namespace}/{path}/{name}?{signature}'
  koboldfs namespace list`;

export function makeNamespaceCommand(context: CommandContext): Command {
  const command = new Command("namespace")
    .description("create, show and delete namespaces")
    .addHelpText("after", EXAMPLES);
  command.addCommand(makeCreateCommand(context));
  command.addCommand(
    withConnection(new Command("list"))
      .description("every namespace")
      .action((options: ConnectionOptions) => withRun(context, options, listNamespaces)),
  );
  command.addCommand(
    withConnection(new Command("show"))
      .description("one namespace")
      .argument("<namespace>")
      .action((name: string, options: ConnectionOptions) =>
        withRun(context, options, async (run) => showNamespaces(run, [await run.connect(name).getNamespace()])),
      ),
  );
  command.addCommand(
    withConnection(new Command("delete"))
      .description("delete an empty namespace")
      .argument("<namespace>")
      .action((name: string, options: ConnectionOptions) =>
        withRun(context, options, async (run) => {
          await run.connect(name).dropNamespace();
          await run.output.result({ name, deleted: true }, `deleted ${name}`);
        }),
      ),
  );
  return command;
}

function makeCreateCommand(context: CommandContext): Command {
  return withConnection(new Command("create"))
    .description("create a namespace, or change the policy of one")
    .argument("<namespace>")
    .option("--min-copies <N>", "refuse puts that fewer nodes have", parseCount)
    .option(
      "--url-template <TEMPLATE>",
      "direct URLs; {server} {url} {namespace} {path} {key} {name} {signature} are filled in",
    )
    .option(
      "--retention <TIME>",
      "how long older versions and deleted files can be brought back, e.g. 7d",
      parseDuration,
    )
    .option("--expire-after <TIME>", "files put without an expiry of their own expire so long after", parseDuration)
    .action((name: string, options: CreateOptions) =>
      withRun(context, options, async (run) => {
        const { minCopies, urlTemplate, retention, expireAfter } = options;
        const policy = {
          ...(minCopies !== undefined && { minCopies }),
          ...(urlTemplate !== undefined && { urlTemplate }),
          ...(retention !== undefined && { retentionMs: retention }),
          ...(expireAfter !== undefined && { expireAfterMs: expireAfter }),
        };
        await showNamespaces(run, [await run.connect(name).createNamespace(policy)]);
      }),
    );
}

export async function listNamespaces(run: Run): Promise<void> {
  await showNamespaces(run, await run.connectCluster().listNamespaces());
}

async function showNamespaces(run: Run, namespaces: readonly NamespaceInfo[]): Promise<void> {
  const { output } = run;
  if (output.json) await output.lines(namespaces.map((namespace) => JSON.stringify(namespace)));
  else await output.lines(formatNamespaces(namespaces, output.table));
}

export function formatNamespaces(namespaces: readonly NamespaceInfo[], options: TableOptions): string[] {
  const columns = [
    { title: "NAMESPACE" },
    { title: "FILES", align: "right" },
    { title: "SIZE", align: "right" },
    { title: "MIN COPIES", align: "right" },
    { title: "DIRECT URLS" },
  ] as const;
  const rows = namespaces.map((namespace) => [
    namespace.name,
    formatCount(namespace.files),
    formatSize(Number(namespace.bytes)),
    String(namespace.minCopies),
    printable(namespace.urlTemplate ?? ""),
  ]);
  return formatTable(columns, rows, options);
}
