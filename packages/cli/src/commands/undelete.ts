import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection, withRun } from "../connection.js";
import { parseFileAddress } from "../file-address.js";
import { printable } from "../output/printable.js";

const EXAMPLES = `
Examples:
  koboldfs ls --deleted demo               what can be undeleted
  koboldfs undelete demo/motd`;

export function makeUndeleteCommand(context: CommandContext): Command {
  return withConnection(new Command("undelete"))
    .description("bring deleted files back")
    .argument("<file...>", "NAMESPACE/KEY")
    .addHelpText("after", EXAMPLES)
    .action((files: string[], options: ConnectionOptions) =>
      withRun(context, options, async (run) => {
        for (const { namespace, key } of files.map(parseFileAddress)) {
          const { version } = await run.connect(namespace).undelete(key, { signal: run.context.signal });
          await run.output.result({ namespace, key, version }, `undeleted ${printable(`${namespace}/${key}`)}`);
        }
      }),
    );
}
