import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { makeCatalogCheckCommand } from "./catalog-check.js";
import { makeMoveCommand } from "../recovery/move-command.js";
import { makePromoteCommand } from "../recovery/promote-command.js";
import { makeRebuildCommand } from "../recovery/rebuild-command.js";

const EXAMPLES = `
Examples:
  koboldfs catalog rebuild --dsn postgres://koboldfs@db/koboldfs --data /srv/koboldfs
                                    a new catalog from the mirror and the files of a machine whose node is stopped
  koboldfs catalog rebuild --dsn postgres://koboldfs@db/koboldfs --server http://10.0.0.1:9876,http://10.0.0.2:9876
                                    from nodes that run while their catalog is lost
  koboldfs catalog move --from sqlite:/srv/koboldfs/catalog.sqlite --to postgres://koboldfs@db/koboldfs
  koboldfs catalog promote --config /etc/koboldfs.ini --dsn postgres://koboldfs@localhost/koboldfs`;

export function makeCatalogCommand(context: CommandContext): Command {
  const command = new Command("catalog")
    .description("check the catalog against the nodes, make it again when the database is lost, or move it")
    .addHelpText("after", EXAMPLES);
  command.addCommand(makeCatalogCheckCommand(context));
  command.addCommand(makeRebuildCommand(context));
  command.addCommand(makeMoveCommand(context));
  command.addCommand(makePromoteCommand(context));
  return command;
}
