import { createHash } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";
import { formatJournalEntry, type JournalEntry, parseJournalEntry } from "./journal-entry.js";

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
}

/** The canonical bytes: a header line and a line for each entry, each ended by a line feed. */
export function formatJournalGroup(group: JournalGroupContent): Buffer {
  const { id, previous, first, last, timeMs } = group;
  const header = JSON.stringify({ group: id, previous, first, last, timeMs });
  return Buffer.from(`${[header, ...group.entries.map(formatJournalEntry)].join("\n")}\n`, "utf8");
}

/** Reads what `formatJournalGroup` wrote. Throws `internal` for anything else. */
export function parseJournalGroup(bytes: Buffer): JournalGroupContent {
  const [header = "", ...lines] = bytes.toString("utf8").replace(/\n$/, "").split("\n");
  const entries = lines.map(parseJournalEntry);
  const group = { ...readHeader(header), entries };
  const isWhole = entries.length === group.last - group.first + 1;
  if (!isWhole || entries.some((entry, index) => entry.number !== group.first + index)) {
    throw new KoboldError("internal", `journal group ${group.id} does not hold the entries that its header names`);
  }
  return group;
}

function readHeader(line: string): Omit<JournalGroupContent, "entries"> {
  const { group, previous, first, last, timeMs } = parseObject(line);
  if (typeof group !== "string" || typeof previous !== "string") throw notAHeader(line);
  if (!isCount(first) || !isCount(last) || !isCount(timeMs)) throw notAHeader(line);
  return { id: group, previous, first, last, timeMs };
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
