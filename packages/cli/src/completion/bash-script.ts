import type { CommandDescription } from "../description/describe-commands.js";
import { SHELLS } from "./shells.js";
import { argumentKinds, flattenCommands, quote, valueOptions } from "./flat-commands.js";

/** What works with the tables. */
const FUNCTIONS = `_koboldfs_add() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}

_koboldfs_complete() {
  local kind=$1 cur=$2
  case "$kind" in
    shell) _koboldfs_add < <(compgen -W ${quote(SHELLS.join(" "))} -- "$cur") ;;
    path) _koboldfs_add < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null ;;
    file* | namespace | node | profile)
      _koboldfs_add < <("\${COMP_WORDS[0]}" __complete "\${kind%% *}" "$cur" "\${connection[@]}" 2>/dev/null)
      if [[ $kind == *path ]]; then _koboldfs_add < <(compgen -f -- "$cur"); fi
      if [[ $kind == file* ]]; then compopt -o filenames 2>/dev/null; fi
      ;;
  esac
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi
}

_koboldfs() {
  local REPLY cur=\${COMP_WORDS[COMP_CWORD]} command='' word='' i count=0
  local connection=() typed=\${COMP_LINE:0:COMP_POINT} last=$COMP_CWORD
  COMPREPLY=()
  # Readline breaks words at colons, which keys may have.
  while (( last > 1 )) && [[ $typed == *"\${COMP_WORDS[last-1]}$cur" && ( \${COMP_WORDS[last-1]} == *: || $cur == :* ) ]]; do
    (( last -= 1 ))
    cur=\${COMP_WORDS[last]}$cur
  done
  for (( i = 1; i < last; i++ )); do
    word=\${COMP_WORDS[i]}
    _koboldfs_value "$command" "$word"
    if [[ -n $REPLY ]]; then
      if (( i + 1 == last )); then _koboldfs_complete "$REPLY" "$cur"; return; fi
      if [[ $word == --server || $word == --profile ]]; then connection+=("$word" "\${COMP_WORDS[i+1]}"); fi
      (( i += 1 ))
    elif [[ $word != -* || $word == - ]]; then
      _koboldfs_commands "$command"
      if [[ " $REPLY " == *" $word "* ]]; then command=\${command:+$command }$word; else (( count += 1 )); fi
    fi
  done
  if [[ $cur == -* ]]; then
    _koboldfs_options "$command"
    _koboldfs_add < <(compgen -W "$REPLY" -- "$cur")
    return
  fi
  _koboldfs_commands "$command"
  if [[ -n $REPLY ]]; then _koboldfs_add < <(compgen -W "$REPLY" -- "$cur"); return; fi
  _koboldfs_places "$command"
  local places=("\${REPLY[@]}") kind
  kind=\${places[count]:-}
  if [[ -z $kind && \${#places[@]} -gt 0 && \${places[-1]} == *... ]]; then kind=\${places[-1]}; fi
  # A backslash before a blank is the shell's, not the key's.
  _koboldfs_complete "\${kind%...}" "\${cur//\\\\/}"
  if [[ $cur == *:* ]]; then COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}"); fi
}

complete -F _koboldfs koboldfs
`;

/** Completion for bash 4.4 and newer; needs nothing else. */
export function formatBashScript(commands: readonly CommandDescription[]): string {
  const all = flattenCommands(commands);
  const cases = (lines: readonly string[]) => lines.map((line) => `    ${line}`).join("\n");
  return `# Completion of koboldfs for bash. Load it with: source <(koboldfs completion bash)

# What may follow a command: its parts.
_koboldfs_commands() {
  case "$1" in
${cases(all.filter(hasParts).map(({ path, commands: parts }) => `${quote(path)}) REPLY=${quote(parts.map(({ name }) => name).join(" "))} ;;`))}
    *) REPLY='' ;;
  esac
}

_koboldfs_options() {
  case "$1" in
${cases(all.map((command) => `${quote(command.path)}) REPLY=${quote(optionNames(command))} ;;`))}
    *) REPLY='' ;;
  esac
}

# What the value of an option is; empty when it takes none.
_koboldfs_value() {
  case "$1 $2" in
${cases(all.flatMap((command) => valueOptions(command).map(({ name, kind }) => `${quote(`${command.path} ${name}`)}) REPLY=${quote(kind)} ;;`)))}
    *) REPLY='' ;;
  esac
}

# What stands at each place behind a command.
_koboldfs_places() {
  case "$1" in
${cases(all.filter((command) => command.arguments.length > 0).map((command) => `${quote(command.path)}) REPLY=(${argumentKinds(command).map(quote).join(" ")}) ;;`))}
    *) REPLY=() ;;
  esac
}

${FUNCTIONS}`;
}

function hasParts(command: CommandDescription): boolean {
  return command.commands.length > 0;
}

function optionNames(command: CommandDescription): string {
  return [...command.options.flatMap(({ names }) => names), "--help"].join(" ");
}
