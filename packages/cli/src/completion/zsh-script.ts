import type { CommandDescription } from "../description/describe-commands.js";
import { argumentKinds, flattenCommands, quote, valueOptions } from "./flat-commands.js";
import { SHELLS } from "./shells.js";

/** What works with the tables. */
const FUNCTIONS = `_koboldfs_complete() {
  local kind=$1
  local -a found open
  case $kind in
    (shell) compadd -- ${SHELLS.join(" ")} ;;
    (path) _files ;;
    (file*|namespace|node|profile)
      found=("\${(@f)$("\${words[1]}" __complete "\${kind%% *}" "\${(Q)PREFIX}" $connection 2>/dev/null)}")
      found=("\${(@)found:#}")
      open=("\${(@M)found:#*/}")
      found=("\${(@)found:#*/}")
      (( \${#open} )) && compadd -S '' -- $open
      (( \${#found} )) && compadd -- $found
      [[ $kind == *path ]] && _files
      ;;
  esac
}

_koboldfs() {
  local REPLY command='' word i count=0
  local -a reply connection names
  for (( i = 2; i < CURRENT; i++ )); do
    word=\${(Q)words[i]}
    _koboldfs_value "$command" "$word"
    if [[ -n $REPLY ]]; then
      if (( i + 1 == CURRENT )); then _koboldfs_complete "$REPLY"; return; fi
      [[ $word == --server || $word == --profile ]] && connection+=("$word" "\${(Q)words[i+1]}")
      (( i += 1 ))
    elif [[ $word != -* || $word == - ]]; then
      _koboldfs_commands "$command"
      names=("\${(@)reply%%:*}")
      if (( \${names[(Ie)$word]} )); then command=\${command:+$command }$word; else (( count += 1 )); fi
    fi
  done
  if [[ $PREFIX == -* ]]; then
    _koboldfs_options "$command"
    _describe -o option reply
    return
  fi
  _koboldfs_commands "$command"
  if (( \${#reply} )); then _describe command reply; return; fi
  _koboldfs_places "$command"
  local kind=\${reply[count+1]:-}
  [[ -z $kind && \${reply[-1]:-} == *... ]] && kind=\${reply[-1]}
  _koboldfs_complete "\${kind%...}"
}

if [[ \${funcstack[1]:-} == _koboldfs ]]; then _koboldfs "$@"; else compdef _koboldfs koboldfs; fi
`;

/** Completion for zsh 5; needs its own \`compinit\` and nothing else. */
export function formatZshScript(commands: readonly CommandDescription[]): string {
  const all = flattenCommands(commands);
  const cases = (lines: readonly string[]) => lines.map((line) => `    ${line}`).join("\n");
  return `#compdef koboldfs
# Completion of koboldfs for zsh. Load it with: source <(koboldfs completion zsh)

_koboldfs_commands() {
  case "$1" in
${cases(all.filter((command) => command.commands.length > 0).map((command) => `(${quote(command.path)}) reply=(${describeAll(command.commands)}) ;;`))}
    (*) reply=() ;;
  esac
}

_koboldfs_options() {
  case "$1" in
${cases(all.map((command) => `(${quote(command.path)}) reply=(${describeOptions(command)}) ;;`))}
    (*) reply=() ;;
  esac
}

_koboldfs_value() {
  case "$1 $2" in
${cases(all.flatMap((command) => valueOptions(command).map(({ name, kind }) => `(${quote(`${command.path} ${name}`)}) REPLY=${quote(kind)} ;;`)))}
    (*) REPLY='' ;;
  esac
}

_koboldfs_places() {
  case "$1" in
${cases(all.filter((command) => command.arguments.length > 0).map((command) => `(${quote(command.path)}) reply=(${argumentKinds(command).map(quote).join(" ")}) ;;`))}
    (*) reply=() ;;
  esac
}

${FUNCTIONS}`;
}

function describeAll(commands: readonly CommandDescription[]): string {
  return commands.map(({ name, description }) => quote(`${name}:${description}`)).join(" ");
}

function describeOptions(command: CommandDescription): string {
  const options = command.options.flatMap(({ names, description }) =>
    names.map((name) => quote(`${name}:${description}`)),
  );
  return [...options, quote("--help:show help")].join(" ");
}
