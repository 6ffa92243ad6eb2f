import type { FileInfo } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileAddress, parsePrefixAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { formatSize } from "../output/sizes.js";
import { listNamespaces } from "./namespace.js";

interface LsOptions extends ConnectionOptions {
  readonly recursive?: true;
  readonly long?: true;
  readonly delimiter: string;
}

const EXAMPLES = `
Examples:
  koboldfs ls                      the namespaces
  koboldfs ls demo                 the first level of a namespace
  koboldfs ls -l demo/photos/      sizes and times of what begins with photos/
  koboldfs ls -r demo              every key`;

export function makeLsCommand(context: CommandContext): Command {
  return withConnection(new Command("ls"))
    .description("list namespaces or files")
    .argument("[where]", "NAMESPACE or NAMESPACE/PREFIX; every key that begins so is listed")
    .option("-r, --recursive", "every key, not folded into folders")
    .option("-l, --long", "sizes and times too")
    .option("--delimiter <TEXT>", "where keys are folded", "/")
    .addHelpText("after", EXAMPLES)
    .action(async (where: string | undefined, options: LsOptions) => {
      await withRun(context, options, async (run) => {
        if (where === undefined) await listNamespaces(run);
        else await listFiles(run, parsePrefixAddress(where), options);
      });
    });
}

type Entry = FileInfo | { readonly prefix: string };

async function listFiles(run: Run, { namespace, key: prefix }: FileAddress, options: LsOptions): Promise<void> {
  const client = run.connect(namespace);
  const which = { prefix, signal: run.context.signal };
  const entries: AsyncIterable<Entry> =
    options.recursive === true ? client.list(which) : client.list({ ...which, delimiter: options.delimiter });
  for await (const entry of entries) {
    await run.output.result(entry, formatEntry(entry, options.long === true));
  }
}

function formatEntry(entry: Entry, long: boolean): string {
  if ("prefix" in entry) return (long ? " ".repeat(SIZE_WIDTH + TIME_WIDTH + 4) : "") + printable(entry.prefix);
  if (!long) return printable(entry.key);
  return `${formatSize(entry.size).padStart(SIZE_WIDTH)}  ${formatTime(entry.modified)}  ${printable(entry.key)}`;
}

const SIZE_WIDTH = 8;
const TIME_WIDTH = 20;

/** `2026-01-31T12:34:56Z`: UTC, so that two people see the same. */
function formatTime(modified: string): string {
  return modified.replace(/\.\d+Z$/, "Z");
}
