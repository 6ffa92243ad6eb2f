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

  /** Throws a UsageError with the line that makes no sense. */
  static parse(text: string, path: string): ProfileFile {
    const profiles = new Map<string, Profile>();
    let name = DEFAULT_PROFILE;
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const where = `${path}:${index + 1}`;
      if (/^\s*([;#].*)?$/.test(line)) continue;
      const section = /^\s*\[([^\]]*)\]\s*$/.exec(line)?.[1];
      if (section === undefined) readLine(profiles, { name, line, where });
      else name = parseProfileName(section.trim(), where);
      if (!profiles.has(name)) profiles.set(name, {});
    }
    return new ProfileFile(path, profiles);
  }

  get names(): string[] {
    return [...this.#profiles.keys()];
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

function readLine(profiles: Map<string, Profile>, at: { name: string; line: string; where: string }): void {
  const { name, line, where } = at;
  // A line is an ini file of its own: quotes and comments mean what they mean to the library.
  const [entry] = Object.entries(ini.parse(line, { bracketedArray: false }));
  const key = KEYS.find((known) => known === entry?.[0]);
  const value: unknown = entry?.[1];
  if (key === undefined || typeof value !== "string" || value === "") {
    throw new UsageError(`${where}: not [PROFILE], 'server = URLS' or 'token = TEXT': ${nameOf(line)}`, HINT);
  }
  const profile = profiles.get(name) ?? {};
  if (profile[key] !== undefined)
    throw new UsageError(`${where}: ${key} is given twice (${profile[key].origin})`, HINT);
  profiles.set(name, { ...profile, [key]: { text: value, origin: where } });
}

/** What stands before the `=`: what stands behind it may be a secret. */
function nameOf(line: string): string {
  return JSON.stringify((line.split("=")[0] ?? "").trim());
}

function parseProfileName(name: string, where: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) return name;
  throw new UsageError(`${where}: a profile's name is 1 to 63 letters, digits, '.', '_' and '-'`, HINT);
}
