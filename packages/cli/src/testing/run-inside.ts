import { Readable, Writable } from "node:stream";
import { runProgram } from "../main.js";
import type { CommandResult } from "./run-command.js";

/** What a run inside the test's own process meets. */
export interface InsideOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Columns of a terminal that standard output and error are; without it they are none. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
}

/** Runs the command in this process: quick, so that many command lines can be tried. Paths start at the test's folder. */
export async function runInside(args: readonly string[], options: InsideOptions = {}): Promise<CommandResult> {
  const [stdout, stderr] = [new TextOutput(options.columns), new TextOutput(options.columns)];
  const code = await runProgram(args, {
    stdin: Object.assign(Readable.from(options.stdin === undefined ? [] : [options.stdin]), {
      isTTY: options.columns !== undefined,
    }),
    stdout,
    stderr,
    env: { HOME: "/nonexistent", ...options.env },
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class TextOutput extends Writable {
  text = "";
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(columns: number | undefined) {
    super({ decodeStrings: false });
    this.isTTY = columns !== undefined;
    this.columns = columns ?? 0;
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    done();
  }
}
