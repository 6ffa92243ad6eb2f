import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import type { PromoteFlags } from "./recovery-flags.js";

const NOTES = `
For two machines of which one is gone, and the database with it. Stop the node that is left, say this on its machine, then
start it with the new dsn. What was acknowledged on two machines is in its mirror; what only the other machine had is joined
when that one is started again, with the new dsn too. An SQLite catalog is reached by nodes of its own machine only: move it
('koboldfs catalog move') to a database that both reach before the other machine comes back.`;

export function makePromoteCommand(context: CommandContext): Command {
  return new Command("promote")
    .description("of exactly two machines: make the mirror of this one the catalog, because the other one is gone")
    .requiredOption("--config <FILE>", "the configuration of this machine's node, with its old dsn")
    .requiredOption("--dsn <URL>", "the empty database that becomes the catalog; this machine must reach it")
    .option("--other-is-gone", "the other machine is off and stays off until it gets the new dsn; do not ask")
    .option("--replace", "throw away what is in the database")
    .option("--json", "print the report as JSON")
    .addHelpText("after", NOTES)
    .action(async (flags: PromoteFlags) => {
      const { runPromote } = await import("./run-promote.js");
      await runPromote(flags, context);
    });
}
