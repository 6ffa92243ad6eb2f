import { Argument, Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { formatBashScript } from "../completion/bash-script.js";
import { formatFishScript } from "../completion/fish-script.js";
import { SHELLS, type Shell } from "../completion/shells.js";
import { formatZshScript } from "../completion/zsh-script.js";
import { type CommandDescription, describeCommands } from "../description/describe-commands.js";

const EXAMPLES = `
Commands and options are in the script. Namespaces, keys, nodes and profiles are asked for while you type; when no server
answers within a second or two, there are none.

Examples:
  source <(koboldfs completion bash)             now, or in ~/.bashrc
  source <(koboldfs completion zsh)              in ~/.zshrc, behind compinit
  koboldfs completion fish > ~/.config/fish/completions/koboldfs.fish`;

const FORMATS: Readonly<Record<Shell, (commands: readonly CommandDescription[]) => string>> = {
  bash: formatBashScript,
  zsh: formatZshScript,
  fish: formatFishScript,
};

export function makeCompletionCommand(context: CommandContext): Command {
  const command = new Command("completion");
  return command
    .description("print a script that completes commands, options and names in a shell")
    .addArgument(new Argument("<shell>", "whose script").choices(SHELLS))
    .addHelpText("after", EXAMPLES)
    .action((shell: Shell) => {
      context.stdout.write(FORMATS[shell](describeCommands(command.parent ?? command)));
    });
}
