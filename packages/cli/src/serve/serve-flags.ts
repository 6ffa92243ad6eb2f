import type { SettingName } from "@koboldfs/server/settings";

/** What the command line says, by setting name. */
export type ServeFlags = Partial<Record<SettingName, string | string[]>>;
