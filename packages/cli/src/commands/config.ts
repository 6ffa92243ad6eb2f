import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { type ConnectionOptions, withConnection } from "../connection.js";
import { EXIT } from "../exit-codes.js";
import { reportFailure } from "../failure-report.js";
import { ConsoleOutput } from "../output/console-output.js";
import { printable } from "../output/printable.js";
import { formatTable } from "../output/table.js";
import { findUnknownVariables } from "../serve/unknown-variables.js";
import { checkSettings } from "../settings/check-settings.js";
import { readProfiles } from "../settings/read-profiles.js";
import { showSettings } from "../settings/show-settings.js";
import type { ShownSetting } from "../settings/shown-setting.js";
import { UsageError } from "../usage-error.js";
import { type Warning, tellWarning } from "../warnings.js";

const EXAMPLES = `
Settings of the command come from flags, the environment and the file of profiles, koboldfs/profiles.ini in the folder
of XDG_CONFIG_HOME, otherwise in ~/.config. Each of its sections is a profile with 'server' and 'token', chosen with
--profile or KOBOLDFS_PROFILE; what stands above the first section is the profile 'default'. A profile's token goes to no
other servers than the profile's own. Keep the file to yourself: chmod 600.

Example:
  server = http://127.0.0.1:9876

  [backup]
  server = https://b1.example.org, https://b2.example.org
  token = TEXT

With --config it is a server's configuration file that is shown or checked, as a server that is started here would read
it: see docs/configuration.md. Secrets are never shown.

Examples:
  koboldfs config show
  koboldfs config show --profile backup --json
  koboldfs config check
  koboldfs config check --config /etc/koboldfs.ini`;

interface ConfigOptions extends ConnectionOptions {
  readonly config?: string;
}

export function makeConfigCommand(context: CommandContext): Command {
  const command = new Command("config")
    .description("show and check settings: the command's own, or a server's")
    .addHelpText("after", EXAMPLES);
  command.addCommand(
    withConfig(new Command("show"))
      .description("every setting with its value and where that comes from")
      .action((options: ConfigOptions) => show(context, options)),
  );
  command.addCommand(
    withConfig(new Command("check"))
      .description("tell all that is wrong with settings; exit code 1 when something is")
      .action((options: ConfigOptions) => check(context, options)),
  );
  return command;
}

function withConfig(command: Command): Command {
  return withConnection(command).option("--config <FILE>", "a server's configuration file instead of these settings");
}

async function show(context: CommandContext, options: ConfigOptions): Promise<void> {
  const output = new ConsoleOutput(context, options.json === true);
  const settings = await listSettings(context, options);
  if (output.json) await output.lines(settings.map((setting) => JSON.stringify(setting)));
  else await output.lines(formatSettings(settings, output));
}

async function listSettings(context: CommandContext, options: ConfigOptions): Promise<readonly ShownSetting[]> {
  const { env } = context;
  const path = nodeConfigPath(options);
  if (path !== undefined) {
    const { inspectNodeConfig } = await import("../serve/inspect-node-config.js");
    const { settings, problems } = await inspectNodeConfig(path, env);
    // What is wrong is for `check`; but values of a file that could not be read are nobody's.
    if (problems[0] !== undefined) throw problems[0];
    return settings;
  }
  const { profiles, exposure } = await readProfiles(env);
  if (exposure !== undefined) tellWarning(context, exposure, options.json);
  return showSettings(options, env, profiles);
}

function formatSettings(settings: readonly ShownSetting[], output: ConsoleOutput): string[] {
  const rows = settings.map(({ setting, value, note, origin }) => {
    const said = [value, note === undefined ? undefined : `(${note})`].filter((part) => part !== undefined).join(" ");
    return [setting, printable(said === "" ? "none" : said), printable(origin)];
  });
  return formatTable([{ title: "SETTING" }, { title: "VALUE" }, { title: "FROM" }], rows, output.table);
}

async function check(context: CommandContext, options: ConfigOptions): Promise<void> {
  const output = new ConsoleOutput(context, options.json === true);
  const { path, problems, warnings } = await findProblems(context, options);
  for (const problem of problems) output.complain(reportFailure(problem, output.json).line);
  for (const warning of warnings) tellWarning(context, warning, output.json);
  const count = problems.length + warnings.length;
  if (count > 0) context.exitWith(EXIT.failure);
  const told = count === 0 ? "nothing is wrong" : count === 1 ? "1 problem" : `${count} problems`;
  await output.result({ file: path, problems: count }, `${printable(path)}: ${told}`);
}

interface Findings {
  readonly path: string;
  readonly problems: readonly Error[];
  readonly warnings: readonly Warning[];
}

async function findProblems({ env }: CommandContext, options: ConfigOptions): Promise<Findings> {
  const path = nodeConfigPath(options);
  if (path !== undefined) {
    const { inspectNodeConfig } = await import("../serve/inspect-node-config.js");
    return { path, problems: (await inspectNodeConfig(path, env)).problems, warnings: [] };
  }
  const found = await checkSettings(options, env);
  return { ...found, problems: [...findUnknownVariables(env), ...found.problems] };
}

/** Throws a UsageError when settings of the command and a server's file are asked for at once. */
function nodeConfigPath({ config, server, profile }: ConfigOptions): string | undefined {
  if (config !== undefined && (server !== undefined || profile !== undefined)) {
    throw new UsageError(
      "--config is about a server, and --server and --profile are about this command",
      "Leave out either.",
    );
  }
  return config;
}
