import { expect } from "vitest";
import { formatGenesisHash, type JournalGroup, parseJournalGroup } from "../../model/journal-group.js";
import { verifyHistory } from "../../model/journal-history.js";
import type { JournalEntry } from "../../model/journal-entry.js";
import type { Catalog } from "../catalog.js";

const PAGE = 100;

export async function readGroups(catalog: Catalog): Promise<JournalGroup[]> {
  const groups: JournalGroup[] = [];
  for (;;) {
    const page = await catalog.listGroups(groups.at(-1)?.last ?? 0, PAGE);
    groups.push(...page);
    if (page.length < PAGE) return groups;
  }
}

/** Follows the whole journal over its stored bytes: gap-free, chained, timed forwards. Answers its entries. */
export async function checkJournal(catalog: Catalog): Promise<JournalEntry[]> {
  const entries = await checkGroups(catalog);
  await checkBlobs(catalog, entries);
  return entries;
}

/** As `checkJournal`, for a journal of which backfill need not walk everything any more. */
export async function checkGroups(catalog: Catalog): Promise<JournalEntry[]> {
  const groups = await readGroups(catalog);
  const start = { number: 0, hash: formatGenesisHash(catalog.clusterId) };
  const { number, hash } = await catalog.head();
  expect(verifyHistory(start, groups)).toEqual({ ok: true, head: { number, hash } });
  const contents = groups.map((group) => parseJournalGroup(group.bytes));
  const times = contents.map((group) => group.timeMs);
  expect(times).toEqual(times.toSorted((left, right) => left - right));
  const entries = contents.flatMap((group) => group.entries);
  expect(entries.map((entry) => entry.number)).toEqual(entries.map((_, index) => index + 1));
  return entries;
}

/** The table that backfill walks says the same as the bytes. */
async function checkBlobs(catalog: Catalog, entries: readonly JournalEntry[]): Promise<void> {
  const blobs = await catalog.listJournalBlobs({ after: 0, until: entries.length, limit: 100_000 });
  const expected = entries.flatMap((entry) => {
    if (entry.kind !== "put") return [];
    const { digest, sizeBytes } = entry.content;
    return [{ number: entry.number, namespace: entry.namespace, digest, sizeBytes }];
  });
  expect(blobs).toEqual(expected);
}

/** How often the journal names this key with content. */
export function countPuts(entries: readonly JournalEntry[], key: string): number {
  return entries.filter((entry) => entry.kind === "put" && entry.key === key).length;
}
