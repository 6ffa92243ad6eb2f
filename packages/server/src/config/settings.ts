import { parseNodeName } from "@koboldfs/protocol";
import { DEFAULT_STAGING_LIMITS } from "../model/transaction.js";
import {
  LOG_LEVELS,
  numberBetween,
  parseBoolean,
  parseListen,
  parseLogLevel,
  parseOrigins,
  parseServerUrl,
  parseText,
  parseUrlKey,
  parseWorkers,
  wholeNumberBetween,
} from "./setting-values.js";

/** One thing an operator can set, and every way to set it: the key of the table, its environment name and its flag. */
export interface Setting<T> {
  /** Stands for the value in help texts. */
  readonly placeholder: string;
  /** One or two sentences for `--help` and docs/configuration.md. */
  readonly description: string;
  /** Throws `config_invalid` or another coded error that says what is wrong with the text. */
  readonly parse: (text: string) => T;
  /** As it would be written; absent when there is none or when it is derived (then `derived` says how). */
  readonly default?: string;
  /** What holds when nothing is written, in words. */
  readonly derived?: string;
  /** May be given several times; all values count. */
  readonly repeatable?: true;
  /** Never logged, shown or put into an error. */
  readonly secret?: true;
  /** Places where it may not be written; the others are open to it. */
  readonly notIn?: readonly ConfigSource[];
}

export type ConfigSource = "file" | "environment" | "flag";

/** Less than the week for which the catalog knows the answers of repeated puts: a late last piece makes no second version. */
const MAX_UPLOAD_TTL_SECONDS = 6 * 24 * 60 * 60;

function setting<T>(definition: Setting<T>): Setting<T> {
  return definition;
}

/** Everything that can be set, in the order of the documentation. The keys are the names in the ini file. */
export const SETTINGS = {
  name: setting({
    placeholder: "NAME",
    description: "Name of this node, unique in its cluster.",
    parse: parseNodeName,
    derived: "the first label of the host name",
  }),
  listen: setting({
    placeholder: "HOST:PORT",
    description: "Where this node accepts connections. Beyond loopback it needs cluster_secret.",
    parse: parseListen,
    default: "127.0.0.1:9876",
  }),
  url: setting({
    placeholder: "URL",
    description: "Where peers and clients reach this node: scheme, host and port.",
    parse: parseServerUrl,
    derived: "http:// with the listen address, or with the host name when it listens on every interface",
  }),
  data: setting({
    placeholder: "DIR",
    description: "A data directory (volume), usually one for each disk. May be given several times.",
    parse: parseText,
    repeatable: true,
  }),
  dsn: setting({
    placeholder: "URL",
    description:
      "The catalog: sqlite:PATH, postgres://USER:PASSWORD@HOST/DB or mysql://USER:PASSWORD@HOST/DB, the same on every node. Several hosts, separated by commas: all nodes write through the one that accepts writes.",
    parse: parseText,
    derived: "sqlite:catalog.sqlite in the first data directory: a cluster of one node",
    secret: true,
  }),
  log: setting({
    placeholder: "LEVEL",
    description: `How much is logged: ${LOG_LEVELS.join(", ")}.`,
    parse: parseLogLevel,
    default: "info",
  }),
  interval: setting({
    placeholder: "SECONDS",
    description: "Time between two heartbeats; a node that missed five counts as down. Set the same on every node.",
    parse: numberBetween(0.05, 60),
    default: "1",
  }),
  zone: setting({
    placeholder: "NAME",
    description: "Where this node stands (rack, room, site). The first copies of a file go to different zones.",
    parse: parseNodeName,
    default: "default",
  }),
  cluster_secret: setting({
    placeholder: "TEXT",
    description:
      "Proves nodes to each other, the same on every node. Clients may use it as their token when no token is set. Prefer the environment: flags are visible to other users of the machine.",
    parse: parseText,
    secret: true,
  }),
  token: setting({
    placeholder: "TEXT",
    description: "What clients must send as 'Authorization: Bearer TEXT'. The koboldfs command sends it too.",
    parse: parseText,
    derived: "the cluster secret when the node listens beyond loopback; otherwise clients need none",
    secret: true,
  }),
  ack_copies: setting({
    placeholder: "N",
    description: "Nodes that shall have a file fsynced before its put is acknowledged, as long as so many are alive.",
    parse: wholeNumberBetween(1, 9),
    default: "2",
  }),
  min_copies: setting({
    placeholder: "N",
    description: "Refuse a put that fewer nodes than this have fsynced. Namespaces and requests can ask for more.",
    parse: wholeNumberBetween(1, 9),
    default: "1",
  }),
  upload_ttl: setting({
    placeholder: "SECONDS",
    description:
      "How long the bytes of an unfinished resumable upload are kept after the last of them came, and how long the outcome of a finished one is told.",
    parse: wholeNumberBetween(1, MAX_UPLOAD_TTL_SECONDS),
    default: "86400",
  }),
  repair_lanes: setting({
    placeholder: "N",
    description:
      "Blobs that this node fetches from one peer at a time for what it owes; one for two requests of clients while one of both serves some.",
    parse: wholeNumberBetween(1, 256),
    default: "16",
  }),
  repair_rate: setting({
    placeholder: "MIB",
    description:
      "MiB a second that this node takes from one peer for what it owes. The default leaves half of a gigabit link to clients.",
    parse: numberBetween(0.01, 1_000_000),
    default: "64",
  }),
  transaction_max_bytes: setting({
    placeholder: "BYTES",
    description:
      "How many bytes one transaction may stage. They lie on ack_copies nodes until it ends. Set the same on every node.",
    parse: wholeNumberBetween(1, Number.MAX_SAFE_INTEGER),
    default: String(DEFAULT_STAGING_LIMITS.transactionBytes),
  }),
  staged_max_bytes: setting({
    placeholder: "BYTES",
    description:
      "How many bytes all unfinished transactions together may stage in one namespace. Set the same on every node.",
    parse: wholeNumberBetween(1, Number.MAX_SAFE_INTEGER),
    default: String(DEFAULT_STAGING_LIMITS.namespaceBytes),
  }),
  scrub_rate: setting({
    placeholder: "MIB",
    description:
      "MiB a second that this node reads of its own copies to prove them, all the time; 0 for not at all. The default proves 4 TB in six days and leaves nine tenths of a slow disk to others.",
    parse: numberBetween(0, 1_000_000),
    default: "8",
  }),
  scrub_days: setting({
    placeholder: "DAYS",
    description: "Every copy is read again so often; when scrub_rate is too low for that it takes longer.",
    parse: numberBetween(0.01, 3650),
    default: "7",
  }),
  allow_unsafe_catalog: setting({
    placeholder: "BOOL",
    description: "Start although the database's settings allow it to lose acknowledged commits. For experiments only.",
    parse: parseBoolean,
    default: "false",
  }),
  cors_origins: setting({
    placeholder: "ORIGINS",
    description:
      "Web pages whose scripts may use this node: https://HOST[:PORT], several separated by commas, or * for every page. Only for pages that come from elsewhere than this node.",
    parse: parseOrigins,
    derived: "none",
  }),
  url_keys: setting({
    placeholder: "ID=SECRET",
    description:
      "Signs direct URLs of private namespaces. May be given several times: the first signs, all are accepted, so that keys change without a break. The same on every node and in its web server.",
    parse: parseUrlKey,
    derived: "one key made of the cluster secret",
    repeatable: true,
    secret: true,
  }),
  accel: setting({
    placeholder: "BOOL",
    description:
      "Let a web server in front of this node send the bytes: requests that it marks with X-Sendfile-Type (X-Accel-Redirect or X-Sendfile) are answered with the place of the bytes. 'koboldfs web-server' prints such a configuration.",
    parse: parseBoolean,
    default: "false",
  }),
  workers: setting({
    placeholder: "N",
    description:
      "Processes of this node that share its port: one does everything, the others read files; auto for one on each core. Each of the others takes about 80 MB, and its share of the cache.",
    parse: parseWorkers,
    default: "1",
  }),
  config: setting({
    placeholder: "FILE",
    description: "The ini file to read.",
    parse: parseText,
    notIn: ["file"],
  }),
  server: setting({
    placeholder: "URL",
    description: "For the koboldfs command, not for servers: the node to talk to.",
    parse: parseText,
    notIn: ["file", "flag"],
  }),
  profile: setting({
    placeholder: "NAME",
    description: "For the koboldfs command, not for servers: the profile of the user's profile file to use.",
    parse: parseText,
    notIn: ["file", "flag"],
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export function isSettingName(text: string): text is SettingName {
  return Object.hasOwn(SETTINGS, text);
}

const ENVIRONMENT_PREFIX = "KOBOLDFS_";

export function environmentName(name: SettingName): string {
  return ENVIRONMENT_PREFIX + name.toUpperCase();
}

/** Whether a variable claims to be one of ours, known or not. */
export function isOurEnvironmentName(text: string): boolean {
  return text.startsWith(ENVIRONMENT_PREFIX);
}

export function flagName(name: SettingName): string {
  return `--${name.replaceAll("_", "-")}`;
}

/** Settings that may be written in `source`. */
export function settingsIn(source: ConfigSource): SettingName[] {
  return SETTING_NAMES.filter((name) => !(SETTINGS[name] as Setting<unknown>).notIn?.includes(source));
}
