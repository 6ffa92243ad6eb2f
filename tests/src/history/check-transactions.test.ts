import { describe, expect, it } from "vitest";
import {
  type Change,
  checkTransactions,
  type Fact,
  type Look,
  type OutsideLook,
  type RecordedTransaction,
  type TransactionHistory,
} from "./check-transactions.js";

type Values = Readonly<Record<string, string | undefined>>;

function facts(values: Values): Fact[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

function change(effects: Values, relies: Values = {}): Change {
  return { kind: "change", relies: facts(relies), effects: facts(effects) };
}

function look(startMs: number, endMs: number, values: Values): Look {
  return { kind: "look", startMs, endMs, facts: facts(values) };
}

function asOf(number: number, values: Values): OutsideLook {
  return { ...look(90, 91, values), asOf: number };
}

function committed(
  version: number,
  [commitMs, endMs]: readonly [number, number],
  ...steps: (Change | Look)[]
): RecordedTransaction {
  return { tag: `t${version}`, version, commitMs, endMs, steps };
}

function aborted(endMs: number, ...steps: (Change | Look)[]): RecordedTransaction {
  return { tag: "never", version: undefined, commitMs: undefined, endMs, steps };
}

function history(transactions: RecordedTransaction[], looks: OutsideLook[] = []): TransactionHistory {
  return { transactions, looks };
}

const BOTH = committed(2, [0, 1], change({ a: "1", b: "1" }));
const AGAIN = committed(4, [10, 20], change({ a: "2", b: "2" }));

const ACCEPTED: [string, TransactionHistory][] = [
  [
    "looks before, beside and after a commit",
    history(
      [BOTH, AGAIN],
      [
        look(2, 3, { a: "1", b: "1" }),
        look(11, 12, { a: "1", b: "1" }),
        look(13, 14, { a: "2", b: "2" }),
        look(21, 22, { a: "2", b: "2" }),
      ],
    ),
  ],
  [
    "a commit whose answer came late",
    history([BOTH, committed(3, [5, 99], change({ a: "x" }))], [look(6, 7, { a: "1" }), look(8, 9, { a: "x" })]),
  ],
  [
    "the number of any change of a transaction",
    history([BOTH, AGAIN], [asOf(1, { a: "1", b: "1" }), asOf(3, { a: "2", b: "2" }), asOf(4, { a: "2" })]),
  ],
  [
    "an increment of what was there",
    history([BOTH, committed(3, [5, 6], look(3, 4, { a: "1" }), change({ a: "x" }, { a: "1" }))]),
  ],
  [
    "a rename, and what it moved",
    history(
      [BOTH, committed(4, [5, 6], change({ a: undefined, c: "1" }, { a: "1" }))],
      [look(7, 8, { a: undefined, b: "1", c: "1" })],
    ),
  ],
  [
    "own writes over what others commit meanwhile",
    history([BOTH, AGAIN, aborted(40, change({ a: "mine" }), look(21, 22, { a: "mine", b: "2" }))]),
  ],
  [
    "two changes of one key, the second over the first",
    history([BOTH, committed(4, [5, 6], change({ a: "x" }, { a: "1" }), change({ a: "y" }, { a: "x" }))]),
  ],
];

describe("checkTransactions accepts", () => {
  it.each(ACCEPTED)("%s", (_name, given) => {
    expect(checkTransactions(given)).toEqual([]);
  });
});

const FOUND: [string, TransactionHistory, RegExp][] = [
  ["a half of a transaction", history([BOTH, AGAIN], [look(11, 12, { a: "2", b: "1" })]), /^torn: a look/],
  [
    "a half of a transaction in the past",
    history([BOTH, AGAIN], [asOf(3, { a: "2", b: "1" })]),
    /as of 3, in t4, .*is older/,
  ],
  [
    "a half of a transaction seen within another",
    history([BOTH, AGAIN, aborted(40, look(11, 12, { a: "2", b: "1" }))]),
    /^torn: a look within never/,
  ],
  [
    "a half that was seen by two looks",
    history([BOTH, AGAIN], [look(11, 12, { a: "2" }), look(13, 14, { b: "1" })]),
    /older/,
  ],
  [
    "a lost update",
    history([
      BOTH,
      committed(3, [5, 9], change({ a: "x" }, { a: "1" })),
      committed(4, [6, 9], change({ a: "y" }, { a: "1" })),
    ]),
    /^lost update: t4 .*relied on "1" in a, which had "x"/,
  ],
  [
    "a file made where one was",
    history([BOTH, committed(3, [5, 9], change({ a: "x" }, { a: undefined }))]),
    /^lost update: t3 .*relied on nothing/,
  ],
  [
    "an own write that is not read",
    history([BOTH, aborted(40, change({ a: "mine" }), look(5, 6, { a: "1" }))]),
    /^own write not read: never/,
  ],
  [
    "an own delete that is not read",
    history([BOTH, aborted(40, change({ a: undefined }), look(5, 6, { a: "1" }))]),
    /^own write not read/,
  ],
  [
    "a value of what was aborted",
    history([BOTH, aborted(9, change({ a: "x" }))], [look(5, 6, { a: "x" })]),
    /"x" in a, which never wrote, that was not committed/,
  ],
  ["a value from nowhere", history([BOTH], [look(5, 6, { a: "x" })]), /nobody wrote/],
  [
    "a commit that vanished",
    history([BOTH, AGAIN], [look(21, 22, { a: "1", b: "1" })]),
    /older than 2 to 2 of 2 commits/,
  ],
  [
    "a commit that vanished after it was seen",
    history([BOTH, AGAIN], [look(11, 12, { a: "2" }), look(13, 14, { a: "1" })]),
    /older/,
  ],
  [
    "a delete that vanished",
    history([BOTH, committed(3, [5, 6], change({ a: undefined }))], [look(7, 8, { a: "1" })]),
    /older/,
  ],
  ["a commit that was seen before it was asked for", history([BOTH, AGAIN], [look(5, 6, { a: "2", b: "2" })]), /newer/],
  [
    "an order against real time",
    history([committed(5, [0, 1], change({ a: "1" })), committed(4, [2, 3], change({ b: "1" }))]),
    /^t4 has number 4, but t5 was over before with 5/,
  ],
  [
    "one number given twice",
    history([BOTH, { ...committed(2, [5, 6], change({ c: "1" })), tag: "other" }]),
    /^t2 and other have the same number 2/,
  ],
  ["a commit that nobody asked for", history([{ ...BOTH, commitMs: undefined }]), /nobody asked for/],
];

describe("checkTransactions finds", () => {
  it.each(FOUND)("%s", (_name, given, fault) => {
    const faults = checkTransactions(given);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(fault);
  });
});
