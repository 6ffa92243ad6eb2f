import { environmentName, isOurEnvironmentName, settingsIn } from "@koboldfs/server/settings";
import { closest } from "fastest-levenshtein";
import type { EnvironmentVariables } from "../command-context.js";
import { UsageError } from "../usage-error.js";

/** Variables that claim to be ours and are none: the command would ignore what somebody meant by them. */
export function findUnknownVariables(env: EnvironmentVariables): UsageError[] {
  const known = settingsIn("environment").map(environmentName);
  const unknown = Object.keys(env).filter((name) => isOurEnvironmentName(name) && !known.includes(name));
  return unknown.map((name) => {
    const message = `unknown environment variable: ${name} (did you mean ${closest(name, known)}?)`;
    return new UsageError(message, "Correct its name, or unset it.");
  });
}
