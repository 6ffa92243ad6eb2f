import type { CommandDescription } from "../description/describe-commands.js";

/** Every command and part of one, the program itself first (its path is empty). */
export function flattenCommands(commands: readonly CommandDescription[]): CommandDescription[] {
  const program: CommandDescription = {
    name: "koboldfs",
    path: "",
    description: "",
    usage: "",
    arguments: [],
    options: [],
    notes: "",
    commands,
  };
  const below = (command: CommandDescription): CommandDescription[] => [command, ...command.commands.flatMap(below)];
  return below(program);
}

/** A text between single quotes, for any of the three shells. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The options of a command that want a value, by what that is. */
export function valueOptions(command: CommandDescription): { name: string; kind: string }[] {
  return command.options
    .filter(({ takesValue }) => takesValue)
    .flatMap(({ names, kind }) => names.map((name) => ({ name, kind })));
}

/** What stands at each place behind the command; the last goes on for ever when it is variadic. */
export function argumentKinds(command: CommandDescription): string[] {
  const kinds = command.arguments.map(({ kind }) => kind);
  const last = command.arguments.at(-1);
  return last?.variadic === true ? [...kinds.slice(0, -1), `${last.kind}...`] : kinds;
}
