import type { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { makeCopyCommand } from "./cp.js";

const EXAMPLES = `
Inside a namespace a file has its new name, and no longer its old one, in one commit, and no bytes move. From one to
another it is copied, and then its source deleted, unless that was overwritten meanwhile.

Examples:
  koboldfs mv demo/motd demo/motd.old
  koboldfs mv 'demo/inbox/*' demo/done/          what the pattern matches (see 'koboldfs help get')
  koboldfs mv -r demo/photos archive/photos      every key below demo/photos/`;

export function makeMvCommand(context: CommandContext): Command {
  return makeCopyCommand(context, "mv", "move and rename files").addHelpText("after", EXAMPLES);
}
