import type { PastOptions } from "@koboldfs/client";
import type { Command } from "commander";
import { parseVersionNumber } from "./option-values.js";
import { UsageError } from "./usage-error.js";

/** The options of commands that read files as they were. */
export interface PastFlags {
  readonly asOf?: string;
  readonly version?: number;
}

/** Adds `--as-of` and `--version` to a command. */
export function withPast(command: Command): Command {
  return command
    .option("--as-of <MOMENT>", "as it was: a journal number, or a time such as 2026-01-31T12:00:00Z")
    .option("--version <N>", "this version of one file (see 'koboldfs versions')", parseVersionNumber);
}

/** Which state of a file is meant. Throws a UsageError when two are. */
export function readPast({ asOf, version }: PastFlags): PastOptions {
  if (asOf !== undefined && version !== undefined) throw new UsageError("--as-of and --version exclude each other");
  return { ...(asOf !== undefined && { asOf }), ...(version !== undefined && { version }) };
}
