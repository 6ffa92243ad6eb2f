import { styleText } from "node:util";

/** What a colour says; never the only way in which it is said. */
export type Tone = "good" | "bad" | "warning" | "quiet" | "folder";

const FORMATS = { good: "green", bad: "red", warning: "yellow", quiet: "dim", folder: "blue" } as const;

/** Whether a stream takes colours: a terminal that can show them, and nobody said no (https://no-color.org). */
export function takesColors(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

export function paint(tone: Tone, text: string): string {
  // Whether the stream takes colours was asked before, of the stream that it goes to.
  return styleText(FORMATS[tone], text, { validateStream: false });
}
