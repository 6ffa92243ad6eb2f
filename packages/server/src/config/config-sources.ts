import { delimiter } from "node:path";
import type { KoboldError } from "@koboldfs/protocol";
import { closest } from "fastest-levenshtein";
import { readIniLines } from "./ini-lines.js";
import { invalid } from "./setting-values.js";
import {
  environmentName,
  isOurEnvironmentName,
  SETTINGS,
  type Setting,
  type SettingName,
  settingsIn,
} from "./settings.js";

/** One written value, and where it was written, in words. */
export interface WrittenValue {
  readonly text: string;
  readonly origin: string;
}

/** What one source says. More than one value only for repeatable settings. */
export type WrittenValues = Partial<Record<SettingName, readonly WrittenValue[]>>;

/** Takes what is wrong with a source. One that throws ends the reading; after one that returns it goes on. */
export type TellProblem = (problem: KoboldError) => void;

const raise: TellProblem = (problem) => {
  throw problem;
};

/** Reads `KOBOLDFS_*`; repeatable settings are separated as in PATH. Tells `config_invalid` for an unknown one. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, tell = raise): WrittenValues {
  const known = new Map(settingsIn("environment").map((name) => [environmentName(name), name]));
  const values: Record<string, WrittenValue[]> = {};
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !isOurEnvironmentName(variable)) continue;
    const name = known.get(variable);
    if (name === undefined) {
      tell(unknownName("environment variable", variable, [...known.keys()]));
      continue;
    }
    const texts = isRepeatable(name) ? text.split(delimiter) : [text];
    values[name] = texts.map((one) => ({ text: one, origin: `environment ${variable}` }));
  }
  return values;
}

/** Reads the text of an ini file. Tells `config_invalid` for an unknown key, a section and a value given twice. */
export function readIniText(text: string, path: string, tell = raise): WrittenValues {
  const known = settingsIn("file");
  const values: Partial<Record<SettingName, WrittenValue[]>> = {};
  for (const { key, value, line } of readIniLines(text)) {
    const origin = `${path}:${line}`;
    const name = known.find((one) => one === key);
    const before = name === undefined ? undefined : values[name];
    if (value === undefined) tell(invalid(`${origin}: sections are not used here: [${key}]`));
    else if (name === undefined) tell(unknownName(`key in ${origin}`, key, known));
    else if (before === undefined) values[name] = [{ text: value, origin }];
    else if (isRepeatable(name)) before.push({ text: value, origin });
    else tell(invalid(`${origin}: ${name} is given twice (${before[0]?.origin})`));
  }
  return values;
}

/** Takes what the command line parser found, by setting name. Tells `config_invalid` for an unknown one. */
export function readFlags(
  flags: Readonly<Record<string, string | readonly string[] | undefined>>,
  tell = raise,
): WrittenValues {
  const known = settingsIn("flag");
  const values: Record<string, WrittenValue[]> = {};
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const name = known.find((one) => one === key);
    if (name === undefined) {
      tell(unknownName("flag", key, known));
      continue;
    }
    const texts = typeof value === "string" ? [value] : value;
    values[name] = texts.map((text) => ({ text, origin: "command line" }));
  }
  return values;
}

function isRepeatable(name: SettingName): boolean {
  return (SETTINGS[name] as Setting<unknown>).repeatable === true;
}

function unknownName(what: string, name: string, known: readonly string[]) {
  return invalid(`unknown ${what}: ${name} (did you mean ${closest(name, known)}?)`);
}
