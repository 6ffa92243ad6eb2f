import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileAddress, parseFileAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { ProgressBar } from "../output/progress-bar.js";
import { UsageError } from "../usage-error.js";

const EXAMPLES = `
Examples:
  koboldfs get demo/motd                   into the file motd, here
  koboldfs get demo/motd /tmp/motd.txt     into that file, which appears only when it is complete
  koboldfs get demo/shop.sql - | psql      to standard output`;

export function makeGetCommand(context: CommandContext): Command {
  return withConnection(new Command("get"))
    .description("fetch a file")
    .argument("<file>", "NAMESPACE/KEY")
    .argument("[target]", "a file, a folder, or - for standard output (default: the key's last part, here)")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, target: string | undefined, options: ConnectionOptions) => {
      await withRun(context, options, (run) => getFile(run, parseFileAddress(file), target));
    });
}

async function getFile(run: Run, { namespace, key }: FileAddress, target: string | undefined): Promise<void> {
  const { context } = run;
  const path = target === "-" ? undefined : await chooseFile(key, target);
  const client = run.connect(namespace);
  // The size is only for the bar, so it is asked for only where there can be one.
  const size = context.stderr.isTTY === true ? (await client.stat(key))?.size : undefined;
  const bar = new ProgressBar(context, key, size);
  try {
    const found = await client.get(key, path ?? context.stdout, {
      signal: context.signal,
      onProgress: (bytes) => bar.update(bytes),
    });
    if (!found) throw new KoboldError("not_found", `there is no file ${printable(`${namespace}/${key}`)}`);
  } finally {
    bar.stop();
  }
  if (path !== undefined) await run.output.result({ namespace, key, path }, printable(path));
}

/** The local file that the target means; a folder takes the file under the last part of its key. */
async function chooseFile(key: string, target: string | undefined): Promise<string> {
  if (target !== undefined && !(await isFolder(target))) return target;
  const name = basename(key);
  if (name === "" || name === "." || name === ".." || key.endsWith("/")) {
    throw new UsageError(`the key ${JSON.stringify(key)} ends in no file name; say which file to write`);
  }
  return join(target ?? ".", name);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
