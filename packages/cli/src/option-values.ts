import type { ByteRange } from "@koboldfs/client";
import { InvalidArgumentError } from "commander";

/** Reads the value of an option that counts something. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1.");
  return Number(text);
}

/** More at once would be refused by servers, and by the memory of this machine. */
const MAX_JOBS = 256;

/** Reads `--jobs`. */
export function parseJobs(text: string): number {
  const jobs = parseCount(text);
  if (jobs > MAX_JOBS) throw new InvalidArgumentError(`It must be at most ${MAX_JOBS}.`);
  return jobs;
}

/** Reads `FIRST-LAST`, `FIRST-` or `-COUNT`, as HTTP has them: from 0, both ends included. */
export function parseRange(text: string): ByteRange {
  const match = /^(\d{1,15})?-(\d{1,15})?$/.exec(text);
  const [first, last] = [match?.[1], match?.[2]];
  if (first === undefined && last === undefined) {
    throw new InvalidArgumentError("It is FIRST-LAST, FIRST- or -COUNT, in bytes from 0.");
  }
  if (first === undefined) return { last: Number(last) };
  const offset = Number(first);
  if (last === undefined) return { offset };
  if (Number(last) < offset) throw new InvalidArgumentError("Its end lies before its beginning.");
  return { offset, length: Number(last) - offset + 1 };
}

/** Reads `NAME=VALUE`, given any number of times, into one record. */
export function collectPair(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const match = /^([A-Za-z0-9-]{1,64})=(.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError("It is NAME=VALUE; a name has letters, digits and '-'.");
  return { ...before, [(match[1] ?? "").toLowerCase()]: match[2] ?? "" };
}

/** Any text, given any number of times, in order. */
export function collectText(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Reads the number of a version: a journal number. */
export function parseVersionNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("It must be a journal number.");
  return Number(text);
}

/** Reads a number of the journal, 0 for its beginning. */
export function parseNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a journal number.");
  return Number(text);
}

const UNIT_BYTES: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40, P: 2 ** 50 };

/** Bytes of `1048576`, `500MiB`, `1.5GiB` or, for short, `10G`; units are powers of 1,024 as in every output. */
export function parseSize(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,15}(?:\.\d{1,3})?)\s?(?:B|([KMGTP])(?:iB)?)?$/.exec(text) ?? [];
  const bytes = Math.round(Number(count) * (UNIT_BYTES[unit] ?? 1));
  if (count === "" || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError("It must be a number of bytes, or one with KiB, MiB, GiB or TiB.");
  }
  return bytes;
}

/** Reads the value, or the word `none`, which takes a setting away. */
export function orNone<Value>(parse: (text: string) => Value): (text: string) => Value | "none" {
  return (text) => (text === "none" ? text : parse(text));
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `30s`, `15m`, `24h` or `7d`. */
export function parseDuration(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (unitMs === undefined) throw new InvalidArgumentError("It must be a number and s, m, h or d.");
  return Number(count) * unitMs;
}
