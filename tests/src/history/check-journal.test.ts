import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkJournal, genesisHash, type StoredGroup, type StoredJournal } from "./check-journal.js";

const GENESIS = genesisHash("c".repeat(32));

/** What the database would have with these groups. */
function stored(groups: readonly StoredGroup[], genesis = GENESIS): StoredJournal {
  const numbers = groups.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  return { genesis, groups, numbers, head: { number: groups.at(-1)?.last ?? 0, hash: groups.at(-1)?.hash ?? genesis } };
}

/** Groups of the given sizes, chained as a server would. */
function journalOf(sizes: readonly number[]): StoredGroup[] {
  const groups: StoredGroup[] = [];
  for (const size of sizes) {
    const first = (groups.at(-1)?.last ?? 0) + 1;
    groups.push(groupOf({ first, last: first + size - 1, previous: groups.at(-1)?.hash ?? GENESIS, timeMs: first }));
  }
  return groups;
}

function groupOf(header: { first: number; last: number; previous: string; timeMs: number }): StoredGroup {
  const { first, last } = header;
  const entries = Array.from({ length: last - first + 1 }, (_, index) => ({ number: first + index, kind: "delete" }));
  const bytes = Buffer.from([header, ...entries].map((line) => `${JSON.stringify(line)}\n`).join(""));
  return { first, last, bytes, hash: createHash("sha256").update(bytes).digest("hex") };
}

describe("checkJournal", () => {
  it("accepts a chain without gaps", () => {
    expect(checkJournal(stored(journalOf([1, 3, 2])))).toEqual([]);
  });

  it("finds a group that is missing at the beginning, in the middle", () => {
    const whole = journalOf([1, 3, 2]);
    expect(checkJournal(stored(whole.slice(1))).join()).toMatch(/group 2-4 stands where entry 1 should/);
    expect(checkJournal(stored([whole[0], whole[2]] as StoredGroup[])).join()).toMatch(/where entry 2 should/);
  });

  it("finds bytes that were changed", () => {
    const [group] = journalOf([1]) as [StoredGroup];
    const bytes = Buffer.from(group.bytes.toString().replace("delete", "remove"));
    expect(checkJournal(stored([{ ...group, bytes }]))).toEqual(["group 1-1 does not have its hash"]);
  });

  it("finds a group that continues another history", () => {
    const [first] = journalOf([1]) as [StoredGroup];
    const stranger = groupOf({ first: 2, last: 2, previous: GENESIS, timeMs: 2 });
    expect(checkJournal(stored([first, stranger]))).toEqual(["group 2-2 does not continue the group before"]);
    expect(checkJournal(stored([first], genesisHash("another")))).toEqual([
      "group 1-1 does not continue the group before",
    ]);
  });

  it("finds a row that is missing, and a head that is not the last group's", () => {
    const whole = stored(journalOf([1, 2]));
    expect(checkJournal({ ...whole, numbers: [1, 3] })).toEqual(["the rows of entries have 3 where 2 should be"]);
    expect(checkJournal({ ...whole, numbers: [1, 2] })).toEqual(["groups end at 3, rows of entries at 2"]);
    expect(checkJournal({ ...whole, head: { ...whole.head, number: 1 } })).toEqual([
      "the head is 1, the last group ends at 3",
    ]);
  });

  it("finds an entry that a group lacks, and a clock that ran backwards", () => {
    const [first, second] = journalOf([1, 2]) as [StoredGroup, StoredGroup];
    const lacking = { ...second, last: second.last + 1 };
    expect(checkJournal(stored([first, lacking])).join()).toMatch(/group 2-4 has entries 2, 3/);
    const late = groupOf({ first: 2, last: 2, previous: first.hash, timeMs: 0 });
    expect(checkJournal(stored([first, late]))).toEqual(["group 2-2 is older than the group before"]);
  });
});
