import { type FileInfo, KoboldError } from "@koboldfs/protocol";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, type Run, withConnection, withRun } from "../connection.js";
import { type FileAddress, parseFileAddress } from "../file-address.js";
import { printable } from "../output/printable.js";
import { formatCount, formatSize } from "../output/sizes.js";

const EXAMPLES = `
Example:
  koboldfs stat demo/motd`;

export function makeStatCommand(context: CommandContext): Command {
  return withConnection(new Command("stat"))
    .description("show what is known of a file")
    .argument("<file>", "NAMESPACE/KEY")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: ConnectionOptions) => {
      await withRun(context, options, (run) => showFile(run, parseFileAddress(file)));
    });
}

async function showFile(run: Run, { namespace, key }: FileAddress): Promise<void> {
  const info = await run.connect(namespace).stat(key, { signal: run.context.signal });
  if (info === undefined) throw new KoboldError("not_found", `there is no file ${printable(`${namespace}/${key}`)}`);
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
