import type { EnvironmentVariables } from "../command-context.js";
import { DEFAULT_PROFILE, type ProfileFile, type SettingValue } from "./profile-file.js";

/** Where a node listens when nobody says otherwise. */
export const DEFAULT_SERVER = "http://127.0.0.1:9876";

export interface ClientSettings {
  readonly profile: SettingValue;
  /** URLs, separated by commas. */
  readonly server: SettingValue;
  readonly token?: SettingValue;
  /** A token that is not sent, because it was written for other servers than those. */
  readonly withheldToken?: SettingValue;
}

export interface SettingSources {
  readonly flags: { readonly server?: string; readonly profile?: string };
  readonly env: EnvironmentVariables;
  readonly profiles: ProfileFile;
}

/**
 * Flags win over the environment, the environment over the profile, the profile over the default. A profile that was
 * named on the command line itself wins over the environment: it was meant now. Pure.
 */
export function resolveClientSettings({ flags, env, profiles }: SettingSources): ClientSettings {
  const profile = flagValue("--profile", flags.profile) ??
    environmentValue(env, "KOBOLDFS_PROFILE") ?? { text: DEFAULT_PROFILE, origin: "default" };
  const written = profiles.get(profile.text, profile.origin);
  const inOrder = (environment: SettingValue | undefined, own: SettingValue | undefined) =>
    flags.profile === undefined ? (environment ?? own) : (own ?? environment);
  const server = flagValue("--server", flags.server) ??
    inOrder(environmentValue(env, "KOBOLDFS_SERVER"), written.server) ?? { text: DEFAULT_SERVER, origin: "default" };
  const token = inOrder(environmentValue(env, "KOBOLDFS_TOKEN"), written.token);
  if (token === undefined) return { profile, server };
  const isForeign = token === written.token && !isMeantFor(server.text, written.server?.text);
  return isForeign ? { profile, server, withheldToken: token } : { profile, server, token };
}

/** Whether a profile's token may go to these servers: to its own, and to any when the profile names none. */
function isMeantFor(servers: string, own: string | undefined): boolean {
  if (own === undefined) return true;
  const known = splitServers(own);
  return splitServers(servers).every((server) => known.includes(server));
}

/** `a, b` as `["a", "b"]`, without slashes at their ends. */
export function splitServers(text: string): string[] {
  return text.split(",").map((server) => server.trim().replace(/\/+$/, ""));
}

function flagValue(flag: string, text: string | undefined): SettingValue | undefined {
  return text === undefined ? undefined : { text, origin: flag };
}

/** A variable that is empty counts as unset, as shells make it easy to leave one so. */
function environmentValue(env: EnvironmentVariables, name: string): SettingValue | undefined {
  const text = env[name];
  return text === undefined || text === "" ? undefined : { text, origin: `environment ${name}` };
}
