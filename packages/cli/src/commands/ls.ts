import type { Consistency } from "@koboldfs/client";
import type { FileInfo } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileAddress, parsePrefixAddress } from "../file-address.js";
import { type ManyFiles, parseFileSelection } from "../files/file-selection.js";
import { makeConsistencyOption, readPast } from "../past-options.js";
import { nothingSelected, selectFiles } from "../files/select-files.js";
import { paint } from "../output/colors.js";
import { printable } from "../output/printable.js";
import { formatSize } from "../output/sizes.js";
import { UsageError } from "../usage-error.js";
import { listNamespaces } from "./namespace.js";

interface LsOptions extends ConnectionOptions {
  readonly recursive?: true;
  readonly long?: true;
  readonly literal?: true;
  readonly delimiter: string;
  readonly asOf?: string;
  readonly consistency?: Consistency;
  readonly deleted?: true;
}

const EXAMPLES = `
Examples:
  koboldfs ls                      the namespaces
  koboldfs ls demo                 the first level of a namespace
  koboldfs ls -l demo/photos/      sizes and times of what begins with photos/
  koboldfs ls 'demo/photos/*.jpg'  what the pattern matches (see 'koboldfs help get')
  koboldfs ls -r demo              every key
  koboldfs ls --deleted demo       what can be undeleted`;

export function makeLsCommand(context: CommandContext): Command {
  return withConnection(new Command("ls"))
    .description("list namespaces or files")
    .argument("[where]", "NAMESPACE, NAMESPACE/PREFIX (every key that begins so is listed) or a pattern")
    .option("-r, --recursive", "every key, not folded into folders")
    .option("-l, --long", "sizes and times too")
    .option("--literal", "* ? [ in keys mean themselves")
    .option("--delimiter <TEXT>", "where keys are folded", "/")
    .option("--as-of <MOMENT>", "the files as they were: a journal number, or a time such as 2026-01-31T12:00:00Z")
    .addOption(makeConsistencyOption())
    .option("--deleted", "keys that can be undeleted, with what they named last; takes a prefix and no pattern")
    .addHelpText("after", EXAMPLES)
    .action(async (where: string | undefined, options: LsOptions) => {
      await withRun(context, options, async (run) => {
        checkPast(where, options);
        if (where === undefined) await listNamespaces(run);
        else await listFiles(run, where, options);
      });
    });
}

function checkPast(where: string | undefined, { asOf, deleted, consistency }: LsOptions): void {
  const wishes = [asOf, deleted, consistency].filter((wish) => wish !== undefined).length;
  if (wishes > 1) throw new UsageError("--as-of, --deleted and --consistency exclude each other");
  if (where === undefined && wishes > 0) {
    throw new UsageError("--as-of, --deleted and --consistency are about the files of a namespace");
  }
}

type Entry = FileInfo | { readonly prefix: string };

async function listFiles(run: Run, where: string, options: LsOptions): Promise<void> {
  const address = parsePrefixAddress(where);
  const isPlain = address.key === "" || options.deleted === true;
  const pattern = isPlain ? undefined : parsePattern(where, options);
  let found = false;
  for await (const entry of pattern === undefined ? openListing(run, address, options) : openPattern(run, pattern)) {
    found = true;
    await run.output.result(entry, formatEntry(entry, { long: options.long === true, colors: run.output.colors }));
  }
  if (!found && pattern !== undefined) throw nothingSelected(pattern);
}

/** Undefined for a prefix, which is what a text without wildcards means here. */
function parsePattern(where: string, options: LsOptions): ManyFiles | undefined {
  const selection = parseFileSelection(where, { literal: options.literal === true, past: readPast(options) });
  return selection.kind === "many" ? selection : undefined;
}

function openPattern(run: Run, pattern: ManyFiles): AsyncIterable<Entry> {
  return selectFiles(run.connect(pattern.namespace), pattern, run.context.signal);
}

function openListing(run: Run, { namespace, key: prefix }: FileAddress, options: LsOptions): AsyncIterable<Entry> {
  const client = run.connect(namespace);
  const { deleted } = options;
  const which = { prefix, signal: run.context.signal, ...readPast(options) };
  if (deleted === true) return client.listDeleted(which);
  return options.recursive === true ? client.list(which) : client.list({ ...which, delimiter: options.delimiter });
}

function formatEntry(entry: Entry, { long, colors }: { long: boolean; colors: boolean }): string {
  if ("prefix" in entry) {
    const name = printable(entry.prefix);
    return (long ? " ".repeat(SIZE_WIDTH + TIME_WIDTH + 4) : "") + (colors ? paint("folder", name) : name);
  }
  if (!long) return printable(entry.key);
  return `${formatSize(entry.size).padStart(SIZE_WIDTH)}  ${formatTime(entry.modified)}  ${printable(entry.key)}`;
}

const SIZE_WIDTH = 8;
const TIME_WIDTH = 20;

/** `2026-01-31T12:34:56Z`: UTC, so that two people see the same. */
function formatTime(modified: string): string {
  return modified.replace(/\.\d+Z$/, "Z");
}
