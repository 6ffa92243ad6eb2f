import type { NamespaceClient } from "@koboldfs/client";
import { KoboldError, type NamespaceInfo, type NamespacePolicy } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { orNone, parseCount, parseDuration, parseNumber, parseSize } from "../option-values.js";
import { printable } from "../output/printable.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import { formatTable, type TableOptions } from "../output/table.js";

interface CreateOptions extends ConnectionOptions {
  readonly minCopies?: number;
  readonly urlTemplate?: string;
  readonly retention?: number | "none";
  readonly expireAfter?: number | "none";
  readonly maxBytes?: number | "none";
  readonly maxFiles?: number | "none";
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
    .description("create a namespace, or change the policy of one; what is not named stays as it is")
    .argument("<namespace>")
    .option("--min-copies <N>", "refuse puts that fewer nodes have", parseCount)
    .option(
      "--url-template <TEMPLATE>",
      "direct URLs; {server} {url} {namespace} {path} {key} {name} {signature} are filled in; none: no direct URLs",
    )
    .option(
      "--retention <TIME>",
      "how long older versions and deleted files can be brought back, e.g. 7d; none: as long as usual, a day",
      orNone(parseDuration),
    )
    .option(
      "--expire-after <TIME>",
      "files put without an expiry of their own expire so long after; none: never",
      orNone(parseDuration),
    )
    .option(
      "--max-bytes <SIZE>",
      "quota: refuse what makes its files larger in all, e.g. 500GiB; none",
      orNone(parseSize),
    )
    .option("--max-files <N>", "quota: refuse more files than these; none", orNone(parseNumber))
    .action((name: string, options: CreateOptions) =>
      withRun(context, options, async (run) => {
        const client = run.connect(name);
        const policy = changePolicy(await findPolicy(client), options);
        await showNamespaces(run, [await client.createNamespace(policy)]);
      }),
    );
}

async function findPolicy(client: NamespaceClient): Promise<Partial<NamespacePolicy>> {
  try {
    return await client.getNamespace();
  } catch (error) {
    if (error instanceof KoboldError && error.code === "namespace_not_found") return {};
    throw error;
  }
}

function changePolicy(before: Partial<NamespacePolicy>, options: CreateOptions): Partial<NamespacePolicy> {
  const { minCopies = before.minCopies } = options;
  const urlTemplate = changed(options.urlTemplate, before.urlTemplate);
  const retentionMs = changed(options.retention, before.retentionMs);
  const expireAfterMs = changed(options.expireAfter, before.expireAfterMs);
  const maxFiles = changed(options.maxFiles, before.maxFiles);
  const maxBytes = changed(options.maxBytes, before.maxBytes);
  return {
    ...(minCopies !== undefined && { minCopies }),
    ...(urlTemplate !== undefined && { urlTemplate }),
    ...(retentionMs !== undefined && { retentionMs }),
    ...(expireAfterMs !== undefined && { expireAfterMs }),
    ...(maxFiles !== undefined && { maxFiles }),
    ...(maxBytes !== undefined && { maxBytes }),
  };
}

function changed<Value>(option: Value | "none" | undefined, before: Value | undefined): Value | undefined {
  if (option === undefined) return before;
  return option === "none" ? undefined : option;
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
  const hasQuota = namespaces.some(({ maxFiles, maxBytes }) => maxFiles !== undefined || maxBytes !== undefined);
  const columns = [
    { title: "NAMESPACE" },
    { title: "FILES", align: "right" },
    { title: "SIZE", align: "right" },
    { title: "MIN COPIES", align: "right" },
    ...(hasQuota ? [{ title: "QUOTA" }] : []),
    { title: "DIRECT URLS" },
  ] as const;
  const rows = namespaces.map((namespace) => [
    namespace.name,
    formatCount(namespace.files),
    formatSize(Number(namespace.bytes)),
    String(namespace.minCopies),
    ...(hasQuota ? [formatQuota(namespace)] : []),
    printable(namespace.urlTemplate ?? ""),
  ]);
  return formatTable(columns, rows, options);
}

function formatQuota({ maxFiles, maxBytes }: NamespaceInfo): string {
  const parts = [
    ...(maxFiles === undefined ? [] : [formatFiles(maxFiles)]),
    ...(maxBytes === undefined ? [] : [formatSize(maxBytes)]),
  ];
  return parts.join(", ");
}
