import type { Consistency, PastOptions } from "@koboldfs/client";
import { type Command, Option } from "commander";
import { parseVersionNumber } from "./option-values.js";
import { UsageError } from "./usage-error.js";

/** The options of commands that read files. */
export interface PastFlags {
  readonly consistency?: Consistency;
  readonly asOf?: string;
  readonly version?: number;
}

/** Adds `--as-of`, `--version` and `--consistency` to a command. */
export function withPast(command: Command): Command {
  return command
    .option("--as-of <MOMENT>", "as it was: a journal number, or a time such as 2026-01-31T12:00:00Z")
    .option("--version <N>", "this version of one file (see 'koboldfs versions')", parseVersionNumber)
    .addOption(makeConsistencyOption());
}

export function makeConsistencyOption(): Option {
  const mirror = "mirror: what the asked node's own copy of the journal says, without the database";
  return new Option("--consistency <LEVEL>", `strong: what was last acknowledged; ${mirror}`).choices([
    "strong",
    "mirror",
  ]);
}

/** Which state of a file is meant. Throws a UsageError when two are. */
export function readPast({ asOf, version, consistency }: PastFlags): PastOptions {
  if ([asOf, version, consistency].filter((wish) => wish !== undefined).length > 1)
    throw new UsageError("--as-of, --version and --consistency exclude each other");
  return {
    ...(asOf !== undefined && { asOf }),
    ...(version !== undefined && { version }),
    ...(consistency !== undefined && { consistency }),
  };
}
