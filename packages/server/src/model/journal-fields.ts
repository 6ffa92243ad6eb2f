import { parseDigest } from "@koboldfs/protocol";
import type { FileContent } from "./change.js";

/** Readers of the fields of journal entries. They throw for anything that the writers do not write. */

export function readContent(fields: Record<string, unknown>): FileContent {
  const expiresMs = fields["expiresMs"];
  return {
    digest: parseDigest(readText(fields["digest"])),
    sizeBytes: readInteger(fields["sizeBytes"]),
    contentType: readText(fields["contentType"]),
    metadata: Object.fromEntries(readList(fields["metadata"]).map(readPair)),
    ...(expiresMs !== undefined && { expiresMs: readInteger(expiresMs) }),
  };
}

export function readText(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a text is missing");
  return value;
}

export function readInteger(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError("a number is missing");
  return value as number;
}

export function readList(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError("a list is missing");
  return value;
}

function readPair(value: unknown): [string, string] {
  const [name, text] = readList(value);
  return [readText(name), readText(text)];
}

/** Pairs, because JSON objects move names that look like numbers to the front. */
export function sortPairs(metadata: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
}
