import { open, type FileHandle } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { EnvironmentVariables } from "../command-context.js";
import { UsageError } from "../usage-error.js";
import type { Warning } from "../warnings.js";
import { ProfileFile, type TellProblem } from "./profile-file.js";

/** Nobody has so many profiles; a larger file is something else. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Read, write or run by the group or everybody. */
const OTHERS = 0o077;

export interface ReadProfiles {
  readonly profiles: ProfileFile;
  /** Others than the owner can read a token in the file. */
  readonly exposure?: Warning;
}

/** `koboldfs/profiles.ini` in the user's configuration folder (XDG Base Directory Specification). */
export function findProfilePath(env: EnvironmentVariables): string {
  const configured = env["XDG_CONFIG_HOME"] ?? "";
  // The specification says that a relative one is to be ignored.
  const folder = isAbsolute(configured) ? configured : join(env["HOME"] || homedir(), ".config");
  return join(folder, "koboldfs", "profiles.ini");
}

/**
 * The user's profiles; none when there is no file. Throws a UsageError when there is one that cannot be read, and for
 * the first line that makes no sense unless `tell` takes those.
 */
export async function readProfiles(env: EnvironmentVariables, tell?: TellProblem): Promise<ReadProfiles> {
  const path = findProfilePath(env);
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { profiles: ProfileFile.none(path) };
    throw new UsageError(`cannot read the profiles in ${path}: ${message}`, "Make it a file that you may read.");
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) {
      throw new UsageError(`${path} is no file of profiles`, "It should be a small text file.");
    }
    const profiles = ProfileFile.parse(await handle.readFile("utf8"), path, tell);
    // Windows has no such bits: there a home folder is its owner's by itself.
    const isOpen = process.platform !== "win32" && (stats.mode & OTHERS) !== 0;
    return isOpen && profiles.hasToken ? { profiles, exposure: exposureOf(path) } : { profiles };
  } finally {
    await handle.close();
  }
}

function exposureOf(path: string): Warning {
  const message = `others can read the token in ${path}`;
  return { code: "profile_exposed", message, hint: `Run 'chmod 600 ${path}'.` };
}
