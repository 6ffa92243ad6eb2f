import type { Readable, Writable } from "node:stream";

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** The world of one run of the command: everything a command may touch besides files and the network. */
export interface CommandContext {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly env: EnvironmentVariables;
  /** Fires on Ctrl-C and SIGTERM; a command cleans up and lets the reason through. */
  readonly signal: AbortSignal;
  /** Sets the exit code of a run that ends without throwing, see exit-codes.ts. The highest one wins. */
  exitWith(code: number): void;
}
