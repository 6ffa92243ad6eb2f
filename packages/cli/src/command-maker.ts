import type { Command } from "commander";
import type { CommandContext } from "./command-context.js";

/**
 * Makes one command. A module must stay cheap to load: whatever is heavy (the server, say) is imported inside the
 * action, because help and the scripts of completion load every module of the table.
 */
export type CommandMaker = (context: CommandContext) => Command;
