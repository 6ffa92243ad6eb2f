import { createHash } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";
import { formatJournalEntry, type JournalEntry, parseJournalEntry } from "./journal-entry.js";

/** One group as it was hashed: what mirrors and feeds read, and what a lost catalog is made from again. */
export interface JournalGroup {
  readonly first: number;
  readonly last: number;
  /** Hex SHA-256 over `bytes`, whose header holds the predecessor's hash. */
  readonly hash: string;
  /** The canonical bytes exactly as stored. */
  readonly bytes: Buffer;
}

/** What an idempotency key of the group was answered, so that a catalog made from the journal still knows it. */
export interface GroupAnswer {
  readonly key: string;
  readonly fingerprint: string;
  /** The entry that answers: a number of this group. */
  readonly version: number;
  readonly copies: number;
  readonly holders: number;
}

/** What one commit wrote: a run of entries under one header. Its bytes are made once and kept as they are. */
export interface JournalGroupContent {
  /** Id of the commit in `commits`. */
  readonly id: string;
  /** Hash of the group before, or `formatGenesisHash` for the first one: this is what chains the journal. */
  readonly previous: string;
  readonly first: number;
  readonly last: number;
  /** The time of all its entries by the catalog's clock, milliseconds since 1970; never below the group before. */
  readonly timeMs: number;
  readonly entries: readonly JournalEntry[];
  /** Absent when no change of the group had an idempotency key. */
  readonly answers?: readonly GroupAnswer[];
}

/** The canonical bytes: a header line and a line for each entry, each ended by a line feed. */
export function formatJournalGroup(group: JournalGroupContent): Buffer {
  const { id, previous, first, last, timeMs } = group;
  const answers = group.answers?.map((one) => [one.key, one.fingerprint, one.version, one.copies, one.holders]);
  const header = JSON.stringify({ group: id, previous, first, last, timeMs, answers });
  return Buffer.from(`${[header, ...group.entries.map(formatJournalEntry)].join("\n")}\n`, "utf8");
}

/** Reads what `formatJournalGroup` wrote. Throws `internal` for anything else. */
export function parseJournalGroup(bytes: Buffer): JournalGroupContent {
  const [header = "", ...lines] = bytes.toString("utf8").replace(/\n$/, "").split("\n");
  const entries = lines.map(parseJournalEntry);
  const group = { ...readHeader(header), entries };
  const isWhole =
    entries.length === group.last - group.first + 1 &&
    (group.answers ?? []).every(({ version }) => version >= group.first && version <= group.last);
  if (!isWhole || entries.some((entry, index) => entry.number !== group.first + index)) {
    throw new KoboldError("internal", `journal group ${group.id} does not hold the entries that its header names`);
  }
  return group;
}

/** The header alone, for who need not know the entries. Throws `internal` as `parseJournalGroup` does. */
export function parseGroupHeader(bytes: Buffer): Omit<JournalGroupContent, "entries"> {
  const end = bytes.indexOf("\n");
  return readHeader(bytes.toString("utf8", 0, end < 0 ? bytes.length : end));
}

function readHeader(line: string): Omit<JournalGroupContent, "entries"> {
  const { group, previous, first, last, timeMs, answers } = parseObject(line);
  if (typeof group !== "string" || typeof previous !== "string") throw notAHeader(line);
  if (!isCount(first) || !isCount(last) || !isCount(timeMs)) throw notAHeader(line);
  const header = { id: group, previous, first, last, timeMs };
  if (answers === undefined) return header;
  if (!Array.isArray(answers)) throw notAHeader(line);
  return { ...header, answers: answers.map((answer) => readAnswer(answer, line)) };
}

function readAnswer(answer: unknown, line: string): GroupAnswer {
  const [key, fingerprint, version, copies, holders] = Array.isArray(answer) ? (answer as unknown[]) : [];
  if (typeof key !== "string" || typeof fingerprint !== "string") throw notAHeader(line);
  if (!isCount(version) || !isCount(copies) || !isCount(holders)) throw notAHeader(line);
  return { key, fingerprint, version, copies, holders };
}

function parseObject(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw notAHeader(line, cause);
  }
  throw notAHeader(line);
}

function notAHeader(line: string, cause?: unknown): KoboldError {
  return new KoboldError("internal", `not a journal group header: ${line.slice(0, 200)}`, { cause });
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** SHA-256 in hex over a group's bytes exactly as they are stored; the header in them holds the hash before. */
export function hashJournalGroup(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What the first group names as its predecessor: another one in each cluster, so that histories cannot be mixed up. */
export function formatGenesisHash(clusterId: string): string {
  return createHash("sha256").update(`koboldfs journal ${clusterId}\n`).digest("hex");
}
