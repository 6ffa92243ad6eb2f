import { homedir } from "node:os";
import { join } from "node:path";

/** Where this user's programs keep what they can find out again, by the custom of each system. */
export function findCacheFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  const custom = env["XDG_CACHE_HOME"];
  // The XDG specification: a relative path there is to be ignored.
  if (custom?.startsWith("/") === true) return join(custom, "koboldfs");
  if (platform === "win32")
    return join(env["LOCALAPPDATA"] ?? join(homedir(), "AppData", "Local"), "koboldfs", "cache");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "koboldfs");
  return join(homedir(), ".cache", "koboldfs");
}
