import type { EnvironmentVariables } from "../command-context.js";
import { UsageError } from "../usage-error.js";
import type { Warning } from "../warnings.js";
import { resolveClientSettings, type SettingSources } from "./client-settings.js";
import { parseServers } from "./parse-servers.js";
import type { SettingValue } from "./profile-file.js";
import { findProfilePath, type ReadProfiles, readProfiles } from "./read-profiles.js";

export interface SettingsCheck {
  /** The file of profiles, whether there is one or not. */
  readonly path: string;
  /** Each would end a command, or one that uses the profile in which it stands. */
  readonly problems: readonly UsageError[];
  readonly warnings: readonly Warning[];
}

/** All that is wrong with the settings of the command, in every profile, and not only the first. */
export async function checkSettings(flags: SettingSources["flags"], env: EnvironmentVariables): Promise<SettingsCheck> {
  const problems: UsageError[] = [];
  const path = findProfilePath(env);
  const read = await collect(problems, () => readProfiles(env, (problem) => void problems.push(problem)));
  if (read === undefined) return { path, problems, warnings: [] };
  for (const server of await listServers(problems, read, { flags, env })) {
    await collect(problems, () => parseServers(server));
  }
  return { path, problems, warnings: read.exposure === undefined ? [] : [read.exposure] };
}

/** Those of every profile, and those that a command would ask now; each once. */
async function listServers(
  problems: UsageError[],
  { profiles }: ReadProfiles,
  sources: Omit<SettingSources, "profiles">,
): Promise<SettingValue[]> {
  const settings = await collect(problems, () => resolveClientSettings({ ...sources, profiles }));
  const all = [...profiles.servers, ...(settings === undefined ? [] : [settings.server])];
  return [...new Map(all.map((server) => [server.origin, server])).values()];
}

async function collect<T>(problems: UsageError[], work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof UsageError)) throw failure;
    problems.push(failure);
    return undefined;
  }
}
