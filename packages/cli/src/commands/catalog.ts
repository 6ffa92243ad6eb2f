import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { makeCatalogCheckCommand } from "./catalog-check.js";
import { makeRebuildCommand } from "../recovery/rebuild-command.js";

const EXAMPLES = `
Examples:
  koboldfs catalog rebuild --dsn postgres://koboldfs@db/koboldfs --data /srv/koboldfs
                                    a new catalog from the mirror and the files of a machine whose node is stopped
  koboldfs catalog rebuild --dsn postgres://koboldfs@db/koboldfs --server http://10.0.0.1:9876,http://10.0.0.2:9876
                                    from nodes that run while their catalog is lost`;

export function makeCatalogCommand(context: CommandContext): Command {
  const command = new Command("catalog")
    .description("check the catalog against the nodes, and make it again when the database is lost")
    .addHelpText("after", EXAMPLES);
  command.addCommand(makeRebuildCommand(context));
  command.addCommand(makeCatalogCheckCommand(context));
  return command;
}
