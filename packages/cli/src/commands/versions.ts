import type { VersionInfo } from "@koboldfs/protocol";
import { KoboldError } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileAddress, parseFileAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { formatSize } from "../output/sizes.js";
import { formatTable, type TableOptions } from "../output/table.js";

const EXAMPLES = `
Examples:
  koboldfs versions demo/motd              what it was, the newest first
  koboldfs restore demo/motd@17            make version 17 current again`;

export function makeVersionsCommand(context: CommandContext): Command {
  return withConnection(new Command("versions"))
    .description("list what a key named before")
    .argument("<file>", "NAMESPACE/KEY")
    .addHelpText("after", EXAMPLES)
    .action((file: string, options: ConnectionOptions) =>
      withRun(context, options, (run) => showVersions(run, parseFileAddress(file))),
    );
}

async function showVersions(run: Run, { namespace, key }: FileAddress): Promise<void> {
  const { output, context } = run;
  const versions: VersionInfo[] = [];
  for await (const version of run.connect(namespace).versions(key, { signal: context.signal })) versions.push(version);
  if (versions.length === 0)
    throw new KoboldError("not_found", `nothing is known of ${printable(`${namespace}/${key}`)}`);
  if (output.json) await output.lines(versions.map((version) => JSON.stringify(version)));
  else await output.lines(formatVersions(versions, output.table));
}

function formatVersions(versions: readonly VersionInfo[], options: TableOptions): string[] {
  const columns = [
    { title: "VERSION", align: "right" },
    { title: "SINCE" },
    { title: "SIZE", align: "right" },
    { title: "DIGEST" },
  ] as const;
  const rows = versions.map(({ version, modified, deleted, size, digest }) => [
    String(version),
    modified,
    deleted ? "deleted" : formatSize(size ?? 0),
    digest?.slice(0, 16) ?? "",
  ]);
  return formatTable(columns, rows, options);
}
