import { hostname } from "node:os";
import { KoboldError } from "@koboldfs/protocol";
import { type TellProblem, type WrittenValues } from "./config-sources.js";
import { buildConfig, type ConfigInput, parseValue, readWritten } from "./load-config.js";
import { advertisedUrl, type NodeConfig, redactDsn } from "./node-config.js";
import { SETTINGS, type Setting, type SettingName, settingsIn } from "./settings.js";

/** One setting as it may be shown. */
export interface InspectedSetting {
  readonly name: SettingName;
  /** As written or derived; a secret without what makes it one. Several directories are several values. */
  readonly values: readonly string[];
  /** How it comes about when nothing is written and the configuration is not complete enough to tell the value. */
  readonly derived?: string;
  /** In words: `default`, `PATH:LINE`, `environment NAME`, `command line`; one for each value. */
  readonly origins: readonly string[];
}

export interface ConfigInspection {
  /** In the order of the documentation. */
  readonly settings: readonly InspectedSetting[];
  /** `config_invalid` and `secret_required`; a node starts when there are none. */
  readonly problems: readonly KoboldError[];
}

/** What `loadConfig` would make of the input: every value with its origin, and all that is wrong and not only the first. */
export async function inspectConfig(input: ConfigInput): Promise<ConfigInspection> {
  const problems: KoboldError[] = [];
  const written = await readWhatCanBeRead(input, (problem) => void problems.push(problem));
  for (const name of settingsIn("file")) {
    for (const value of written[name] ?? []) collect(problems, () => parseValue(name, value));
  }
  // Rules between settings say nothing sensible about values that cannot be read.
  const config =
    problems.length > 0 ? undefined : collect(problems, () => buildConfig(written, input.hostname ?? hostname()));
  return { settings: settingsIn("file").map((name) => inspectSetting(name, written, config)), problems };
}

/** Nothing at all when the file cannot be read. */
async function readWhatCanBeRead(input: ConfigInput, tell: TellProblem): Promise<WrittenValues> {
  try {
    return await readWritten(input, tell);
  } catch (error) {
    if (!(error instanceof KoboldError)) throw error;
    tell(error);
    return {};
  }
}

function collect<T>(problems: KoboldError[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof KoboldError)) throw error;
    problems.push(error);
    return undefined;
  }
}

const HIDDEN = "********";

function inspectSetting(name: SettingName, written: WrittenValues, config: NodeConfig | undefined): InspectedSetting {
  const setting: Setting<unknown> = SETTINGS[name];
  const values = written[name];
  if (values !== undefined) {
    const shown = values.map(({ text }) => (setting.secret === true ? hideSecret(name, text) : text));
    return { name, values: shown, origins: values.map(({ origin }) => origin) };
  }
  const value = setting.default ?? (config === undefined ? undefined : deriveValue(name, config));
  return {
    name,
    values: value === undefined ? [] : [value],
    ...(setting.derived !== undefined && { derived: setting.derived }),
    origins: ["default"],
  };
}

/** Of the catalog's URL everything but the password helps; of other secrets nothing may be seen. */
function hideSecret(name: SettingName, text: string): string {
  return name === "dsn" ? redactDsn(text) : HIDDEN;
}

function deriveValue(name: SettingName, config: NodeConfig): string | undefined {
  switch (name) {
    case "name":
      return config.name;
    case "url":
      return advertisedUrl(config, config.listen.port);
    case "dsn":
      return redactDsn(config.dsn);
    default:
      return undefined;
  }
}
