import { resolve } from "node:path";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { type ExportReport, type ExportWish, runExport } from "../export/run-export.js";
import { parsePrefixAddress } from "../file-address.js";
import { collectText } from "../option-values.js";
import { printable } from "../output/printable.js";
import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import { UsageError } from "../usage-error.js";
import { tellWarning } from "../warnings.js";

interface ExportOptions extends ConnectionOptions {
  readonly data?: readonly string[];
  readonly config?: string;
  readonly asOf?: string;
  readonly copy?: true;
  readonly fetch?: true;
  readonly verify?: true;
}

const EXAMPLES = `
Run it on a node's machine, as the user of the node: it makes hard links to the files on the node's volumes, so that a
tree of everything takes no room and a moment. All of it is as of one number of the journal. Any backup program can read
it; run again into the same folder, it links what is new and removes what is gone. The folder belongs to the export.

A link is the very file of the store: who writes into it destroys the stored bytes. Purged and reaped bytes stay on the
disk as long as a tree links them. What you want to change, copy first, or export with --copy.

.koboldfs-export/manifest.jsonl has a line for each key with everything that is known of it and its path. Keys that can
be no paths ('a/../b', or 'a/b' where 'a' is a file too) lie in .koboldfs-export/keys.

Examples:
  koboldfs export demo /srv/koboldfs/export/demo --config /etc/koboldfs.ini
  koboldfs export demo/photos/ /srv/k/photos --data /srv/k/volume1 --data /srv/k/volume2
  koboldfs export demo /srv/k/monday --as-of 2026-01-26T00:00:00Z --data /srv/k/volume1`;

export function makeExportCommand(context: CommandContext): Command {
  return withConnection(new Command("export"))
    .description("make a tree of the files of a namespace on a node's machine, by hard links")
    .argument("<what>", "NAMESPACE, or NAMESPACE/PREFIX for every key that begins so")
    .argument("<folder>", "where the tree goes: a new folder, or that of an earlier export of the same")
    .option("--data <DIR>", "a data directory of the node; may be repeated", collectText)
    .option("--config <FILE>", "the node's configuration file, which names its data directories")
    .option("--as-of <MOMENT>", "the files as they were: a journal number, or a time such as 2026-01-31T12:00:00Z")
    .option("--copy", "copy where no link can be made, as on another file system")
    .option("--fetch", "get from the cluster what is not on this node")
    .option("--verify", "read every file and compare it with its digest")
    .addHelpText("after", EXAMPLES)
    .action(async (what: string, folder: string, options: ExportOptions) => {
      const { namespace, key: prefix } = parsePrefixAddress(what);
      const volumes = await findVolumes(context, options);
      const wish = { namespace, prefix, folder: resolve(folder), volumes, asOf: options.asOf, ...howOf(options) };
      await withRun(context, options, (run) => exportFiles(run, wish));
    });
}

function howOf({ copy, fetch, verify }: ExportOptions) {
  return { copies: copy === true, fetches: fetch === true, verifies: verify === true };
}

async function findVolumes({ env }: CommandContext, { data, config }: ExportOptions): Promise<readonly string[]> {
  if ((data === undefined) === (config === undefined)) {
    throw new UsageError("the node's data directories are wanted", "Give either --data DIR or --config FILE.");
  }
  if (data !== undefined) return data.map((one) => resolve(one));
  const { inspectNodeConfig } = await import("../serve/inspect-node-config.js");
  const { settings, problems } = await inspectNodeConfig(config ?? "", env);
  if (problems[0] !== undefined) throw problems[0];
  return settings.flatMap(({ setting, value }) => (setting === "data" && value !== undefined ? [resolve(value)] : []));
}

async function exportFiles(run: Run, wish: ExportWish): Promise<void> {
  const { context, output } = run;
  const tell = (path: string, why: string) => {
    const line = output.json
      ? JSON.stringify({ key: path, level: "failure", message: why })
      : `${printable(path)}: ${why}`;
    output.complain(line);
    context.exitWith(EXIT.failure);
  };
  const report = await runExport(run, wish, tell);
  await output.result(report, formatReport(report));
  if (report.linked > 0) tellWarning(context, LINKS, output.json);
}

const LINKS = {
  code: "links_share_bytes",
  message: "the files of the tree are those of the store",
  hint: "Read and copy them, but never write into them.",
};

function formatReport({ asOf, files, bytes, linked, copied, fetched, missing, placed, removed }: ExportReport): string {
  const how = [
    [linked, "linked"],
    [copied, "copied"],
    [fetched, "fetched"],
    [missing, "missing"],
  ] as const;
  const told = how.filter(([count]) => count > 0).map(([count, word]) => `${formatCount(count)} ${word}`);
  const what = `${formatFiles(files)} (${formatSize(bytes)}) as of ${printable(asOf)}`;
  return `${[what, ...told].join(", ")}; ${formatCount(placed)} new, ${formatCount(removed)} removed`;
}
