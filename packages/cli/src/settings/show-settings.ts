import type { EnvironmentVariables } from "../command-context.js";
import { findCacheFolder } from "../sync/cache-folder.js";
import { type ClientSettings, resolveClientSettings, type SettingSources } from "./client-settings.js";
import { maskToken } from "./mask-token.js";
import type { ProfileFile } from "./profile-file.js";
import type { ShownSetting } from "./shown-setting.js";

/** Every setting of the command as a command with these flags has it. Throws a UsageError for a profile that is not there. */
export function showSettings(
  flags: SettingSources["flags"],
  env: EnvironmentVariables,
  profiles: ProfileFile,
): ShownSetting[] {
  const settings = resolveClientSettings({ flags, env, profiles });
  const { profile, server } = settings;
  return [
    { setting: "profiles", value: profiles.path, origin: folderOrigin(env, "XDG_CONFIG_HOME") },
    { setting: "profile", value: profile.text, origin: profile.origin },
    { setting: "server", value: hideCredentials(server.text), origin: server.origin },
    showToken(settings),
    { setting: "cache", value: findCacheFolder(env), origin: folderOrigin(env, "XDG_CACHE_HOME") },
    showColors(env),
  ];
}

function showToken({ token, withheldToken }: ClientSettings): ShownSetting {
  if (token !== undefined) return { setting: "token", value: maskToken(token.text), origin: token.origin };
  if (withheldToken === undefined) return { setting: "token", origin: "default" };
  const note = "not sent: it stands with other servers";
  return { setting: "token", value: maskToken(withheldToken.text), note, origin: withheldToken.origin };
}

function showColors(env: EnvironmentVariables): ShownSetting {
  const isRefused = (env["NO_COLOR"] ?? "") !== "";
  if (isRefused) return { setting: "colors", value: "none", origin: "environment NO_COLOR" };
  return { setting: "colors", value: "on a terminal", origin: "default" };
}

/** The XDG specification: a relative one is to be ignored. */
function folderOrigin(env: EnvironmentVariables, name: string): string {
  return env[name]?.startsWith("/") === true ? `environment ${name}` : "default";
}

/** Servers are refused that stand with a user and a password, and those must not be shown all the same. */
function hideCredentials(servers: string): string {
  return servers.replaceAll(/\/\/[^/,]*@/g, "//********@");
}
