import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import { parseFileAddress } from "../file-address.js";
import { parseVersionNumber } from "../option-values.js";
import { printable } from "../output/printable.js";

interface PurgeOptions extends ConnectionOptions {
  readonly version?: number;
}

const EXAMPLES = `
Examples:
  koboldfs purge demo/secret.txt                every version, and the file itself
  koboldfs purge demo/report --version 17       one version`;

export function makePurgeCommand(context: CommandContext): Command {
  return withConnection(new Command("purge"))
    .description("remove a file and its versions for ever, at once")
    .argument("<file>", "NAMESPACE/KEY")
    .option("--version <N>", "only this version", parseVersionNumber)
    .addHelpText("after", EXAMPLES)
    .action((file: string, options: PurgeOptions) =>
      withRun(context, options, async (run) => {
        const { namespace, key } = parseFileAddress(file);
        const which = options.version === undefined ? {} : { version: options.version };
        const reply = await run.connect(namespace).purge(key, { ...which, signal: run.context.signal });
        const gone = `purged ${reply.purged} versions of ${printable(`${namespace}/${key}`)}`;
        const waiting = `; bytes not yet unlinked by ${reply.pending.join(", ")}`;
        await run.output.result({ namespace, key, ...reply }, reply.pending.length === 0 ? gone : gone + waiting);
      }),
    );
}
