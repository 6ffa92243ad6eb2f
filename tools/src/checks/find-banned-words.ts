import { basename } from "node:path";

/** A file with such a name holds whatever found no better place. */
const BANNED_FILE_WORDS = new Set(["util", "utils", "helper", "helpers", "common", "manager", "base", "misc"]);

const BANNED_TEXT: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/, why: "do it, or write an issue" },
  { pattern: /\b(describe|it|test|suite)\.only\b/, why: "the other tests would not run" },
  { pattern: /(eslint|oxlint|biome)-(disable|ignore)/, why: "fix the finding, or change the rule for everyone" },
  { pattern: /@ts-(ignore|expect-error|nocheck)/, why: "fix the type" },
];

/** What must not stand in a source, a sentence each. */
export function findBannedWords(path: string, text: string): string[] {
  const words = basename(path).split(/[.-]/);
  const names = words
    .filter((word) => BANNED_FILE_WORDS.has(word))
    .map((word) => `${path}: a name with "${word}" says nothing`);
  const lines = text
    .split("\n")
    .flatMap((line, index) =>
      BANNED_TEXT.filter(({ pattern }) => pattern.test(line)).map(
        ({ why }) => `${path}:${index + 1}: ${line.trim()} (${why})`,
      ),
    );
  return [...names, ...lines];
}
