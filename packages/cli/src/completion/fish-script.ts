import type { CommandDescription } from "../description/describe-commands.js";
import { flattenCommands, quote } from "./flat-commands.js";
import { SHELLS } from "./shells.js";

/** Completion for fish 3. */
export function formatFishScript(commands: readonly CommandDescription[]): string {
  const lines = flattenCommands(commands).flatMap(formatCommand);
  return `# Completion of koboldfs for fish. Load it with: koboldfs completion fish | source

# Whether the words so far name exactly this command.
function __koboldfs_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l path
    for word in $words
        string match -q -- '-*' $word; and continue
        contains -- "$path $word" $argv[2..]; and set path "$path $word"
    end
    test "$path" = "$argv[1]"
end

function __koboldfs_candidates
    # What chooses the server on this line chooses whom to ask.
    set -l words (commandline -opc)
    set -l connection
    for i in (seq 2 (math (count $words) - 1))
        contains -- $words[$i] --server --profile; and set -a connection $words[$i] $words[(math $i + 1)]
    end
    # Backslashes and an opening quote are the shell's, not the key's.
    set -l typed (commandline -ct | string replace -r '^["\\']' '' | string replace -ra '\\\\\\\\(.)' '$1')
    koboldfs __complete $argv[1] "$typed" $connection 2>/dev/null
end

set -l __koboldfs_paths ${flattenCommands(commands)
    .map(pathOf)
    .filter((path) => path !== "")
    .map(quote)
    .join(" ")}
${lines.join("\n")}
`;
}

function formatCommand(command: CommandDescription): string[] {
  // The paths are put in when the script is loaded: the condition is a text that is run later.
  const where = `complete -c koboldfs -n "__koboldfs_at ${quote(pathOf(command))} "(string escape -- $__koboldfs_paths | string join ' ')`;
  const parts = command.commands.map((part) => `${where} -f -a ${quote(part.name)} -d ${quote(part.description)}`);
  const options = command.options.map(({ names, description, takesValue, kind }) => {
    const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
    const value = takesValue ? ` -r${kind === "path" ? " -F" : ` -f${candidatesOf(kind)}`}` : "";
    return `${where} ${flags.join(" ")}${value} -d ${quote(description)}`;
  });
  const kinds = [...new Set(command.arguments.map(({ kind }) => kind))];
  const values = kinds.map((kind) => `${where} ${kind.includes("path") ? "-F" : "-f"}${candidatesOf(kind)}`);
  return [...parts, ...options, ...values];
}

function pathOf({ path }: CommandDescription): string {
  return path === "" ? "" : ` ${path}`;
}

function candidatesOf(kind: string): string {
  if (kind === "shell") return ` -a ${quote(SHELLS.join(" "))}`;
  const [asked = ""] = kind.split(" ");
  return ["file", "namespace", "node", "profile"].includes(asked)
    ? ` -a ${quote(`(__koboldfs_candidates ${asked})`)}`
    : "";
}
