import type { Argument, Command, Option } from "commander";

/** Columns of help texts that go into documents. */
const HELP_COLUMNS = 100;

/** What an argument or the value of an option is, for completion. */
export type ValueKind = "file" | "namespace" | "node" | "profile" | "path" | "file or path" | "shell" | "text";

export interface ArgumentDescription {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly kind: ValueKind;
}

export interface OptionDescription {
  /** As help shows it: `-j, --jobs <N>`. */
  readonly flags: string;
  readonly names: readonly string[];
  readonly description: string;
  /** A value must follow it. */
  readonly takesValue: boolean;
  readonly kind: ValueKind;
  readonly default?: string;
}

/** A command as people meet it. Made from the command table; completion and documents are made from this. */
export interface CommandDescription {
  readonly name: string;
  /** With the commands that it is part of: `namespace create`. */
  readonly path: string;
  readonly description: string;
  readonly usage: string;
  readonly arguments: readonly ArgumentDescription[];
  readonly options: readonly OptionDescription[];
  /** What help says below the options: notes and examples. */
  readonly notes: string;
  readonly commands: readonly CommandDescription[];
}

/** What arguments and the placeholders of options are, by their names in the command table; others are texts. */
const KIND_OF_ARGUMENT: Readonly<Record<string, ValueKind>> = {
  file: "file",
  files: "file",
  where: "file",
  namespace: "namespace",
  node: "node",
  paths: "file or path",
  source: "file or path",
  target: "file or path",
  path: "path",
  shell: "shell",
  FILE: "path",
  DIR: "path",
};
const KIND_OF_OPTION: Readonly<Record<string, ValueKind>> = { "--profile": "profile", "--dir": "path" };
/** Commands that fetch write to this machine: their last argument may be a path. */
const FETCHING: ReadonlySet<string> = new Set(["get"]);

/** The commands of the program, without those that help hides. */
export function describeCommands(program: Command): CommandDescription[] {
  return visibleCommands(program).map((command) => describeCommand(command, ""));
}

function describeCommand(command: Command, parent: string): CommandDescription {
  const path = parent === "" ? command.name() : `${parent} ${command.name()}`;
  return {
    name: command.name(),
    path,
    description: command.description(),
    usage: `koboldfs ${path} ${command.usage()}`.trim(),
    arguments: command.registeredArguments.map((argument) => describeArgument(argument, command.name())),
    options: command.options.filter((option) => !option.hidden).map(describeOption),
    notes: readNotes(command),
    commands: visibleCommands(command).map((child) => describeCommand(child, path)),
  };
}

function visibleCommands(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== "help");
}

function describeArgument(argument: Argument, command: string): ArgumentDescription {
  const name = argument.name();
  const kind = KIND_OF_ARGUMENT[name] ?? "text";
  return {
    name,
    description: argument.description,
    required: argument.required,
    variadic: argument.variadic,
    kind: kind === "file" && FETCHING.has(command) ? "file or path" : kind,
  };
}

function describeOption(option: Option): OptionDescription {
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? "";
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const value: unknown = option.defaultValue;
  return {
    flags: option.flags,
    names,
    description: option.description,
    takesValue: option.required,
    kind: KIND_OF_OPTION[option.long ?? ""] ?? KIND_OF_ARGUMENT[placeholder] ?? "text",
    ...((typeof value === "string" || typeof value === "number") && { default: String(value) }),
  };
}

/** The part of the help text that commander does not make itself. */
function readNotes(command: Command): string {
  let whole = "";
  const before = command.configureOutput();
  command.configureOutput({
    ...before,
    writeOut: (text) => {
      whole += text;
    },
    getOutHelpWidth: () => HELP_COLUMNS,
    getOutHasColors: () => false,
  });
  try {
    const help = command.helpInformation();
    command.outputHelp();
    return whole.slice(whole.indexOf(help) + help.length).trim();
  } finally {
    command.configureOutput(before);
  }
}
