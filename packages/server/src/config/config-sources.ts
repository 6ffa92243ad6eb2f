import { delimiter } from "node:path";
import { closest } from "fastest-levenshtein";
import ini from "ini";
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

/** Reads `KOBOLDFS_*`; repeatable settings are separated as in PATH. Throws `config_invalid` for an unknown one. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): WrittenValues {
  const known = new Map(settingsIn("environment").map((name) => [environmentName(name), name]));
  const values: Record<string, WrittenValue[]> = {};
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !isOurEnvironmentName(variable)) continue;
    const name = known.get(variable);
    if (name === undefined) throw unknownName("environment variable", variable, [...known.keys()]);
    const texts = isRepeatable(name) ? text.split(delimiter) : [text];
    values[name] = texts.map((one) => ({ text: one, origin: `environment ${variable}` }));
  }
  return values;
}

/** Reads the text of an ini file. Throws `config_invalid` for an unknown key, a section or a value given twice. */
export function readIniText(text: string, path: string): WrittenValues {
  const known = settingsIn("file");
  const values: Record<string, WrittenValue[]> = {};
  const entries: [string, unknown][] = Object.entries(ini.parse(text, { bracketedArray: false }));
  for (const [key, value] of entries) {
    if (typeof value === "object" && !Array.isArray(value))
      throw invalid(`${path}: sections are not used here: [${key}]`);
    const name = known.find((one) => one === key);
    if (name === undefined) throw unknownName(`key in ${path}`, key, known);
    const texts = Array.isArray(value) ? value : [value];
    if (texts.length > 1 && !isRepeatable(name)) throw invalid(`${path}: ${name} is given twice`);
    values[name] = texts.map((one) => ({ text: String(one), origin: `file ${path}` }));
  }
  return values;
}

/** Takes what the command line parser found, by setting name. */
export function readFlags(flags: Readonly<Record<string, string | readonly string[] | undefined>>): WrittenValues {
  const known = settingsIn("flag");
  const values: Record<string, WrittenValue[]> = {};
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const name = known.find((one) => one === key);
    if (name === undefined) throw unknownName("flag", key, known);
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
