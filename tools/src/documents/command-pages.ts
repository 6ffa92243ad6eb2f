import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { WORKSPACE_ROOT } from "../workspace.js";

/** The parts of `koboldfs __commands` that pages are made of; packages/cli/src/description says what they mean. */
interface CommandPage {
  readonly name: string;
  readonly path: string;
  readonly description: string;
  readonly usage: string;
  readonly arguments: readonly { name: string; description: string; required: boolean; variadic: boolean }[];
  readonly options: readonly { flags: string; description: string; default?: string }[];
  readonly notes: string;
  readonly commands: readonly CommandPage[];
}

const FOLDER = "docs/commands";
const MARK = "<!-- Written by `npm run documents` from the command table, packages/cli/src/command-table.ts -->";

/** docs/commands: a page for each command and an index, by path. Asks the built command for its table. */
export async function formatCommandPages(): Promise<Record<string, string>> {
  const program = join(WORKSPACE_ROOT, "packages/cli/bin/koboldfs.js");
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [program, "__commands"], { maxBuffer: 16 * 1024 * 1024 });
  const lines = stdout.split("\n").filter((line) => line !== "");
  const commands = lines.map((line) => JSON.parse(line) as CommandPage);
  const { stdout: help } = await run(process.execPath, [program, "--help"]);
  const pages = commands.map((command) => [`${FOLDER}/${command.name}.md`, formatPage(command)] as const);
  return { [`${FOLDER}/README.md`]: formatIndex(commands, help), ...Object.fromEntries(pages) };
}

function formatIndex(commands: readonly CommandPage[], help: string): string {
  const rows = commands.map(({ name, description }) => `| [\`${name}\`](${name}.md) | ${escape(description)} |\n`);
  const exitCodes = [...help.matchAll(/^ +(\d+) {2}(.*)$/gm)].map(([, code, meaning]) => `| ${code} | ${meaning} |\n`);
  return `# The command

${MARK}

\`koboldfs\` does everything that people do with a cluster. Files are \`NAMESPACE/KEY\`; \`-\` is standard input or output.
\`--json\` prints one JSON document a line, with stable members; failures are JSON on standard error then. Progress appears
on a terminal only, and after a second. \`koboldfsd\` is \`koboldfs serve\`.

| command | does |
|---|---|
${rows.join("")}
## Exit codes

| code | means |
|---|---|
${exitCodes.join("")}
Of several files each is tried; those that failed are told one by one, and the exit code is the highest. \`koboldfs serve\`
has codes of its own: [configuration](../configuration.md#start-and-stop).
`;
}

function formatPage(command: CommandPage): string {
  return `# koboldfs ${command.path}\n\n${MARK}\n\n${formatCommand(command)}`;
}

function formatCommand(command: CommandPage): string {
  const parts = [`${capitalize(command.description)}.\n`];
  if (command.commands.length === 0) parts.push(`\`\`\`console\n${command.usage}\n\`\`\`\n`);
  if (command.arguments.length > 0) parts.push(formatTable("argument", command.arguments.map(formatArgument)));
  if (command.options.length > 0) parts.push(formatTable("option", command.options.map(formatOption)));
  if (command.notes !== "") parts.push(formatNotes(command.notes));
  const below = command.commands.map((child) => `## koboldfs ${child.path}\n\n${formatCommand(child)}`);
  return [...parts, ...below].join("\n");
}

function formatTable(what: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([name, text]) => `| ${formatCode(name)} | ${escape(text)} |\n`);
  return `| ${what} | means |\n|---|---|\n${lines.join("")}`;
}

function formatArgument({ name, description, required, variadic }: CommandPage["arguments"][number]): [string, string] {
  const inner = name + (variadic ? "..." : "");
  return [required ? `<${inner}>` : `[${inner}]`, description];
}

function formatOption({ flags, description, default: preset }: CommandPage["options"][number]): [string, string] {
  return [flags, preset === undefined ? description : `${description} (default: ${preset})`];
}

/** What help says below the options: prose stays prose, examples become a block. */
function formatNotes(notes: string): string {
  const [first = "", ...parts] = notes.split(/^Examples?:\n/m);
  const blocks = parts.map((part) => {
    const lines = part.split("\n");
    const end = lines.findIndex((line) => line !== "" && !line.startsWith(" "));
    const examples = (end === -1 ? lines : lines.slice(0, end)).map((line) => line.replace(/^ {2}/, ""));
    const rest = end === -1 ? "" : `\n${escape(lines.slice(end).join("\n"))}`;
    return `\`\`\`console\n${examples.join("\n").trimEnd()}\n\`\`\`\n${rest}`;
  });
  return [escape(first).trimEnd(), ...blocks]
    .filter((part) => part !== "")
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

/** Text of help as Markdown: there stars and brackets would mean something. */
function escape(text: string): string {
  return text.replace(/[|*[\]<]/g, "\\$&");
}

/** In a table a bar ends a cell, even inside code. */
function formatCode(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
