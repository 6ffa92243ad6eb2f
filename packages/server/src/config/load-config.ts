import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { KoboldError, type NodeName, parseNodeName } from "@koboldfs/protocol";
import {
  readEnvironment,
  readFlags,
  readIniText,
  type TellProblem,
  type WrittenValue,
  type WrittenValues,
} from "./config-sources.js";
import { checkConfig, type NodeConfig } from "./node-config.js";
import { invalid } from "./setting-values.js";
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from "./settings.js";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

export interface ConfigInput {
  /** By setting name, as the command line had them. */
  readonly flags?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Defaults to this machine's. */
  readonly hostname?: string;
}

export interface LoadedConfig {
  readonly config: NodeConfig;
  /** Where each value comes from, in words: `default`, `PATH:LINE`, `environment NAME`, `command line`. */
  readonly origins: Readonly<Record<SettingName, string>>;
}

type Parsed<N extends SettingName> = ReturnType<(typeof SETTINGS)[N]["parse"]>;

/** Defaults < ini file < environment < flags. Throws `config_invalid`, `secret_required`. */
export async function loadConfig(input: ConfigInput): Promise<LoadedConfig> {
  const written = await readWritten(input);
  return { config: buildConfig(written, input.hostname ?? hostname()), origins: originsOf(written) };
}

/** What is written for each setting where it counts most. Without `tell` the first problem is thrown. */
export async function readWritten(input: ConfigInput, tell?: TellProblem): Promise<WrittenValues> {
  const flags = readFlags(input.flags ?? {}, tell);
  const environment = readEnvironment(input.env ?? {}, tell);
  const path = (flags.config ?? environment.config)?.[0]?.text;
  const file = path === undefined ? {} : readIniText(await readConfigFile(path), path, tell);
  return { ...file, ...environment, ...flags };
}

/** The configuration that the values make, checked. Throws `config_invalid`, `secret_required`. */
export function buildConfig(written: WrittenValues, host: string): NodeConfig {
  return checkConfig(combineValues((name) => written[name] ?? [], host));
}

function combineValues(written: (name: SettingName) => readonly WrittenValue[], host: string): NodeConfig {
  function all<N extends SettingName>(name: N): Parsed<N>[] {
    return written(name).map((value) => parseValue(name, value));
  }
  function optional<N extends SettingName>(name: N): Parsed<N> | undefined {
    return all(name)[0];
  }
  function withDefault<N extends SettingName>(name: N): Parsed<N> {
    const setting: Setting<unknown> = SETTINGS[name];
    return optional(name) ?? parseValue(name, { text: setting.default ?? "", origin: "default" });
  }
  const data = all("data").map((directory) => resolve(directory));
  const [url, dsn, clusterSecret, token] = [
    optional("url"),
    optional("dsn"),
    optional("cluster_secret"),
    optional("token"),
  ];
  return {
    name: optional("name") ?? nameFromHost(host),
    listen: withDefault("listen"),
    host,
    ...(url !== undefined && { url }),
    data,
    dsn: dsn ?? `sqlite:${join(data[0] ?? "", "catalog.sqlite")}`,
    log: withDefault("log"),
    intervalMs: Math.round(withDefault("interval") * 1000),
    zone: withDefault("zone"),
    ...(clusterSecret !== undefined && { clusterSecret }),
    ...(token !== undefined && { token }),
    ackCopies: withDefault("ack_copies"),
    minCopies: withDefault("min_copies"),
    uploadTtlMs: withDefault("upload_ttl") * 1000,
    repairLanes: withDefault("repair_lanes"),
    repairBytesPerSecond: withDefault("repair_rate") * MIB,
    staging: {
      transactionBytes: withDefault("transaction_max_bytes"),
      namespaceBytes: withDefault("staged_max_bytes"),
    },
    scrubBytesPerSecond: withDefault("scrub_rate") * MIB,
    scrubAgainMs: withDefault("scrub_days") * DAY_MS,
    allowUnsafeCatalog: withDefault("allow_unsafe_catalog"),
    corsOrigins: optional("cors_origins") ?? [],
    urlKeys: all("url_keys"),
    accel: withDefault("accel"),
    workers: withDefault("workers"),
  };
}

/** Throws `config_invalid` that says where the value was written. */
export function parseValue<N extends SettingName>(name: N, value: WrittenValue): Parsed<N> {
  const setting: Setting<unknown> = SETTINGS[name];
  try {
    return setting.parse(value.text) as Parsed<N>;
  } catch (error) {
    const reason = setting.secret === true ? "its value cannot be used" : (error as Error).message;
    throw new KoboldError("config_invalid", `${name} (${value.origin}): ${reason}`, { cause: error });
  }
}

async function readConfigFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new KoboldError("config_invalid", `cannot read the file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function nameFromHost(host: string): NodeName {
  const label = (host.split(".")[0] ?? "").toLowerCase();
  try {
    return parseNodeName(label);
  } catch {
    throw invalid(`the host name ${JSON.stringify(host)} is no node name; set name`);
  }
}

function originsOf(written: WrittenValues): Record<SettingName, string> {
  const pairs = SETTING_NAMES.map((name) => [name, written[name]?.[0]?.origin ?? "default"] as const);
  return Object.fromEntries(pairs) as Record<SettingName, string>;
}
