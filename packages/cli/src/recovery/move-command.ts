import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import type { MoveFlags } from "./recovery-flags.js";

const NOTES = `
While it copies the nodes work as before. Then the old catalog is retired, in one step that no write can pass: the nodes
answer writes with catalog_retired and reads from their mirrors, until they are restarted with the new dsn. When the command
fails before its end the old catalog works on, or is kept retired and the same command goes on; it says which.`;

export function makeMoveCommand(context: CommandContext): Command {
  return new Command("move")
    .description("move the catalog to another database, of any engine, while the nodes run")
    .requiredOption("--from <URL>", "the catalog that the nodes work with now, as in their dsn setting")
    .requiredOption("--to <URL>", "the empty database that it moves to")
    .option("--replace", "throw away what is in that database")
    .option("--allow-unsafe-catalog", "take a database that is set so that it can lose commits")
    .option("--json", "print the report as JSON")
    .addHelpText("after", NOTES)
    .action(async (flags: MoveFlags) => {
      const { runMove } = await import("./run-move.js");
      await runMove(flags, context);
    });
}
