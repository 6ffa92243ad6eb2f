import { closest } from "fastest-levenshtein";
import ini from "ini";
import { UsageError } from "../usage-error.js";

/** The profile that is used when none is named. */
export const DEFAULT_PROFILE = "default";

/** A value and where it was written, in words: `--server`, `environment NAME`, `FILE:LINE`, `default`. */
export interface SettingValue {
  readonly text: string;
  readonly origin: string;
}

const KEYS = ["server", "token"] as const;
type Key = (typeof KEYS)[number];

/** What one profile says. */
export type Profile = Partial<Record<Key, SettingValue>>;

/** Takes what is wrong with a file. One that throws ends the reading; after one that returns it goes on. */
export type TellProblem = (problem: UsageError) => void;

const raise: TellProblem = (problem) => {
  throw problem;
};

const HINT = "'koboldfs config check' looks at the whole file; docs/commands/config.md shows one.";

/**
 * The profiles of a user: sections of an ini file, each with `server` and `token`. What stands above the first section
 * is the profile `default`. No profile inherits from another, so that no token goes where it was not meant to.
 */
export class ProfileFile {
  readonly path: string;
  readonly #profiles: ReadonlyMap<string, Profile>;

  private constructor(path: string, profiles: ReadonlyMap<string, Profile>) {
    this.path = path;
    this.#profiles = profiles;
  }

  static none(path: string): ProfileFile {
    return new ProfileFile(path, new Map());
  }

  /** Tells a UsageError with each line that makes no sense: throws the first one, unless somebody takes them. */
  static parse(text: string, path: string, tell = raise): ProfileFile {
    const profiles = new Map<string, Profile>();
    let name = DEFAULT_PROFILE;
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const where = `${path}:${index + 1}`;
      if (/^\s*([;#].*)?$/.test(line)) continue;
      const section = /^\s*\[([^\]]*)\]\s*$/.exec(line)?.[1]?.trim();
      if (section === undefined) readLine(profiles, { name, line, where }, tell);
      else {
        if (!PROFILE_NAME.test(section)) tell(new UsageError(`${where}: ${PROFILE_NAME_RULE}`, HINT));
        name = section;
      }
      if (!profiles.has(name)) profiles.set(name, {});
    }
    return new ProfileFile(path, profiles);
  }

  get names(): string[] {
    return [...this.#profiles.keys()];
  }

  /** What the profiles name as their servers. */
  get servers(): SettingValue[] {
    return [...this.#profiles.values()].flatMap(({ server }) => (server === undefined ? [] : [server]));
  }

  get hasToken(): boolean {
    return [...this.#profiles.values()].some((profile) => profile.token !== undefined);
  }

  /** Throws a UsageError when there is no such profile; only `default` need not be written. */
  get(name: string, origin: string): Profile {
    const profile = this.#profiles.get(name);
    if (profile !== undefined) return profile;
    if (name === DEFAULT_PROFILE) return {};
    const known = this.names.length === 0 ? "it has none" : `it has ${this.names.join(", ")}`;
    throw new UsageError(`there is no profile ${JSON.stringify(name)} (${origin}) in ${this.path}: ${known}`, HINT);
  }
}

function readLine(
  profiles: Map<string, Profile>,
  at: { name: string; line: string; where: string },
  tell: TellProblem,
): void {
  const { name, line, where } = at;
  // A line is an ini file of its own: quotes and comments mean what they mean to the library.
  const [entry] = Object.entries(ini.parse(line, { bracketedArray: false }));
  const key = KEYS.find((known) => known === entry?.[0]);
  const value: unknown = entry?.[1];
  if (key === undefined || typeof value !== "string" || value === "") {
    const nearest = key === undefined && line.includes("=") ? ` (did you mean ${closest(nameOf(line), KEYS)}?)` : "";
    const what = `not [PROFILE], 'server = URLS' or 'token = TEXT': ${JSON.stringify(nameOf(line))}${nearest}`;
    tell(new UsageError(`${where}: ${what}`, HINT));
    return;
  }
  const profile = profiles.get(name) ?? {};
  const before = profile[key];
  if (before !== undefined) tell(new UsageError(`${where}: ${key} is given twice (${before.origin})`, HINT));
  else profiles.set(name, { ...profile, [key]: { text: value, origin: where } });
}

/** What stands before the `=`: what stands behind it may be a secret. */
function nameOf(line: string): string {
  return (line.split("=")[0] ?? "").trim();
}

const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const PROFILE_NAME_RULE = "a profile's name is 1 to 63 letters, digits, '.', '_' and '-'";
