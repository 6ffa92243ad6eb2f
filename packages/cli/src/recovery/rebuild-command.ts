import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import type { RebuildFlags } from "./recovery-flags.js";

const NOTES = `
Nodes prove themselves with the cluster secret: KOBOLDFS_CLUSTER_SECRET, or --config with a node's file; and clients
with a token, if one is set: KOBOLDFS_TOKEN. Until the command has ended no node works with the new catalog; when it was
interrupted, run it again, it goes on.`;

export function makeRebuildCommand(context: CommandContext): Command {
  return new Command("rebuild")
    .description("make a new catalog from the mirrors that every node has, and find out which bytes exist")
    .requiredOption("--dsn <URL>", "the empty database that becomes the catalog, as in a node's dsn setting")
    .option("--data <DIR>", "a data directory of a node that does not run; give all that there are", collect)
    .option("--server <URLS>", "nodes that run while their catalog is lost, separated by commas; they name the others")
    .option(
      "--config <FILE>",
      "a node's configuration: its secrets, and its data directories when nothing else is given",
    )
    .option("--verify", "read every blob and compare it with its name, instead of believing the name")
    .option("--replace", "throw away what is in the database")
    .option("--allow-unsafe-catalog", "take a database that is set so that it can lose commits")
    .option("--json", "print the report as JSON")
    .addHelpText("after", NOTES)
    .action(async (flags: RebuildFlags) => {
      const { runRebuild } = await import("./run-rebuild.js");
      await runRebuild(flags, context);
    });
}

export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
