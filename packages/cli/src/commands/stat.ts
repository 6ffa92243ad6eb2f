import type { PastOptions } from "@koboldfs/client";
import type { FileInfo } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileAddress, parseFileAddress } from "../file-address.js";
import { getFile } from "../files/select-files.js";
import { type PastFlags, readPast, withPast } from "../past-options.js";
import { printable } from "../output/printable.js";
import { formatCount, formatSize } from "../output/sizes.js";
import { runMany } from "../transfer/run-many.js";

const EXAMPLES = `
Examples:
  koboldfs stat demo/motd
  koboldfs stat --as-of 4711 demo/motd
  koboldfs stat --json demo/motd | jq -r .digest`;

export function makeStatCommand(context: CommandContext): Command {
  return withPast(withConnection(new Command("stat")))
    .description("show what is known of files")
    .argument("<file...>", "NAMESPACE/KEY")
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: ConnectionOptions & PastFlags) => {
      const past = readPast(options);
      const addresses = files.map((file) => ({ ...parseFileAddress(file), past }));
      await withRun(context, options, async (run) => {
        const [only, ...others] = addresses;
        if (only !== undefined && others.length === 0) await showFile(run, only);
        // One at a time, so that they appear in the order in which they were asked for.
        else await runMany(run, { items: addresses, jobs: 1 }, (address) => showFile(run, address));
      });
    });
}

type AddressedFile = FileAddress & { readonly past: PastOptions };

async function showFile(run: Run, { namespace, ...file }: AddressedFile): Promise<void> {
  const info = await getFile(run.connect(namespace), file, run.context.signal);
  if (run.output.json) await run.output.line(JSON.stringify({ namespace, ...info }));
  else await run.output.lines(formatFile(namespace, info));
}

function formatFile(namespace: string, info: FileInfo): string[] {
  const metadata = Object.entries(info.metadata).map(([name, value]) => [`meta ${name}`, printable(value)] as const);
  const rows = [
    ["file", printable(`${namespace}/${info.key}`)],
    ["size", `${formatSize(info.size)} (${formatCount(info.size)} bytes)`],
    ["digest", info.digest],
    ["version", String(info.version)],
    ["type", printable(info.contentType)],
    ["modified", info.modified],
    ...metadata,
  ] as const;
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
