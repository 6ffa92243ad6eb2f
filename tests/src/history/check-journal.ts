import { createHash } from "node:crypto";

/** One commit as the database has it. */
export interface StoredGroup {
  readonly first: number;
  readonly last: number;
  /** Hex. */
  readonly hash: string;
  readonly bytes: Buffer;
}

export interface StoredJournal {
  /** What the first group must name as its predecessor. */
  readonly genesis: string;
  readonly groups: readonly StoredGroup[];
  /** The numbers of the entries' own rows, in order. */
  readonly numbers: readonly number[];
  /** Where the catalog says that the journal ends. */
  readonly head: { readonly number: number; readonly hash: string };
}

/** What every cluster's first group names as its predecessor. */
export function genesisHash(clusterId: string): string {
  return sha256(`koboldfs journal ${clusterId}\n`);
}

/** The entries of a group: its lines behind the header, parsed. */
export function entriesOf(group: StoredGroup): Record<string, unknown>[] {
  return linesOf(group).slice(1);
}

/**
 * Says in sentences what is wrong with a journal, given whole and in order; an empty list means that its numbers are
 * 1, 2, 3 … without a gap and that each group's hash is right and names the one before. Written against the
 * description of the format and not with the server's own reader, which it would otherwise only agree with.
 */
export function checkJournal(journal: StoredJournal): string[] {
  return [...checkChain(journal), ...checkRows(journal), ...checkHead(journal)];
}

function checkChain({ groups, genesis }: StoredJournal): string[] {
  const faults: string[] = [];
  let next = 1;
  let previous = genesis;
  let timeMs = 0;
  for (const group of groups) {
    const [header, ...entries] = linesOf(group);
    const name = `group ${group.first}-${group.last}`;
    if (group.first !== next) faults.push(`${name} stands where entry ${next} should`);
    if (sha256(group.bytes) !== group.hash) faults.push(`${name} does not have its hash`);
    if (header?.["previous"] !== previous) faults.push(`${name} does not continue the group before`);
    if (header?.["first"] !== group.first || header["last"] !== group.last)
      faults.push(`${name} says other numbers itself`);
    if (Number(header?.["timeMs"]) < timeMs) faults.push(`${name} is older than the group before`);
    const numbers = entries.map((entry) => entry["number"]);
    const expected = Array.from({ length: group.last - group.first + 1 }, (_, index) => group.first + index);
    if (JSON.stringify(numbers) !== JSON.stringify(expected)) faults.push(`${name} has entries ${numbers.join(", ")}`);
    next = group.last + 1;
    previous = group.hash;
    timeMs = Number(header?.["timeMs"]);
  }
  return faults;
}

function checkRows({ numbers }: StoredJournal): string[] {
  const gap = numbers.findIndex((number, index) => number !== index + 1);
  return gap === -1 ? [] : [`the rows of entries have ${numbers[gap]} where ${gap + 1} should be`];
}

function checkHead({ groups, numbers, head }: StoredJournal): string[] {
  const last = groups.at(-1);
  if (last?.last !== numbers.at(-1)) return [`groups end at ${last?.last}, rows of entries at ${numbers.at(-1)}`];
  const isLast = last === undefined ? head.number === 0 : head.number === last.last && head.hash === last.hash;
  return isLast ? [] : [`the head is ${head.number}, the last group ends at ${last?.last}`];
}

function linesOf(group: StoredGroup): Record<string, unknown>[] {
  const lines = group.bytes.toString("utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function sha256(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
