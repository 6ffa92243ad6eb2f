import { flagName, SETTINGS, type Setting, type SettingName, settingsIn } from "@koboldfs/server/settings";
import { Command } from "commander";
import type { CommandMaker } from "../command-maker.js";
import type { ServeFlags } from "./serve-flags.js";

export const makeServeCommand: CommandMaker = (context) => {
  const command = new Command("serve").description("run a node of a cluster until it is told to stop");
  for (const name of settingsIn("flag")) addOption(command, name);
  command.addHelpText(
    "after",
    `\nEvery setting can also be written in the file of --config and as KOBOLDFS_NAME in the environment.`,
  );
  return command.action(async (options: Record<string, unknown>) => {
    const { runServe } = await import("./run-serve.js");
    await runServe(flagsOf(command, options), context);
  });
};

function addOption(command: Command, name: SettingName): void {
  const setting: Setting<unknown> = SETTINGS[name];
  const value = setting.default === "false" ? `[${setting.placeholder}]` : `<${setting.placeholder}>`;
  const preset = setting.default ?? setting.derived;
  const description = preset === undefined ? setting.description : `${setting.description} Default: ${preset}.`;
  const flags = `${flagName(name)} ${value}`;
  if (setting.repeatable) command.option(flags, description, (text, before: string[] = []) => [...before, text]);
  else command.option(flags, description);
}

/** A flag that stands alone, without its optional value, means true. */
function flagsOf(command: Command, options: Record<string, unknown>): ServeFlags {
  const flags: ServeFlags = {};
  for (const name of settingsIn("flag")) {
    const option = command.options.find(({ long }) => long === flagName(name));
    const value = option === undefined ? undefined : options[option.attributeName()];
    if (value === true) flags[name] = "true";
    else if (typeof value === "string" || Array.isArray(value)) flags[name] = value;
  }
  return flags;
}
