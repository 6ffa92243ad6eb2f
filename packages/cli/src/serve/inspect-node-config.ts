import { type InspectedSetting, inspectConfig } from "@koboldfs/server/inspect-config";
import type { KoboldError } from "@koboldfs/protocol";
import type { EnvironmentVariables } from "../command-context.js";
import type { ShownSetting } from "../settings/shown-setting.js";

export interface NodeConfigReport {
  readonly settings: readonly ShownSetting[];
  readonly problems: readonly KoboldError[];
}

/** What `koboldfs serve --config FILE` would make of the file and this environment. */
export async function inspectNodeConfig(path: string, env: EnvironmentVariables): Promise<NodeConfigReport> {
  const { settings, problems } = await inspectConfig({ flags: { config: path }, env });
  return { settings: settings.flatMap(showSetting), problems };
}

/** A line for each value. */
function showSetting({ name, values, origins, derived }: InspectedSetting): ShownSetting[] {
  if (values.length > 0) {
    return values.map((value, index) => ({ setting: name, value, origin: origins[index] ?? "default" }));
  }
  return [{ setting: name, ...(derived !== undefined && { note: derived }), origin: origins[0] ?? "default" }];
}
