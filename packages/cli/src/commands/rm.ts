import { KoboldError } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { reportFailure } from "../failure-report.js";
import { type FileAddress, parseFileAddress, parsePrefixAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { formatFiles } from "../output/sizes.js";
import { UsageError } from "../usage-error.js";

interface RmOptions extends ConnectionOptions {
  readonly recursive?: true;
  readonly force?: true;
}

const EXAMPLES = `
Examples:
  koboldfs rm demo/motd                one file
  koboldfs rm -f demo/motd demo/old    no failure where there is none
  koboldfs rm -r demo/photos/          every key that begins with photos/`;

export function makeRmCommand(context: CommandContext): Command {
  return withConnection(new Command("rm"))
    .description("delete files")
    .argument("<file...>", "NAMESPACE/KEY; with -r NAMESPACE/PREFIX")
    .option("-r, --recursive", "delete every key that begins so")
    .option("-f, --force", "a file that is not there is no failure")
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: RmOptions) => {
      await withRun(context, options, async (run) => {
        if (options.recursive === true) await removePrefixes(run, files.map(parseNarrowPrefix));
        else await removeFiles(run, files.map(parseFileAddress), options.force === true);
      });
    });
}

/** Emptying a whole namespace should not be one forgotten word away. */
function parseNarrowPrefix(text: string): FileAddress {
  const address = parsePrefixAddress(text);
  if (address.key !== "" || text.endsWith("/")) return address;
  throw new UsageError(`to delete everything in ${address.namespace}, write '${address.namespace}/'`);
}

async function removeFiles(run: Run, files: readonly FileAddress[], force: boolean): Promise<void> {
  for (const { namespace, key } of files) {
    const name = printable(`${namespace}/${key}`);
    const deleted = await run.connect(namespace).delete(key, { signal: run.context.signal });
    if (deleted || force) {
      await run.output.result({ namespace, key, deleted }, deleted ? `deleted ${name}` : `${name} was not there`);
      continue;
    }
    // The others are still deleted: `rm` of files has always worked so.
    const report = reportFailure(new KoboldError("not_found", `there is no file ${name}`), run.output.json);
    run.context.stderr.write(`${report.line}\n`);
    run.context.exitWith(EXIT.notFound);
  }
}

async function removePrefixes(run: Run, prefixes: readonly FileAddress[]): Promise<void> {
  const { signal } = run.context;
  for (const { namespace, key: prefix } of prefixes) {
    const client = run.connect(namespace);
    const deleted = await client.deleteMany(keysOf(client.list({ prefix, signal })), { signal });
    const text = `deleted ${formatFiles(deleted)} of ${printable(`${namespace}/${prefix}`)}`;
    await run.output.result({ namespace, prefix, deleted }, text);
  }
}

async function* keysOf(files: AsyncIterable<{ readonly key: string }>): AsyncGenerator<string> {
  for await (const { key } of files) yield key;
}
