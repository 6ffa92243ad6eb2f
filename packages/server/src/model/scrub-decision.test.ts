import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideScrub,
  isAsItShouldBe,
  isVolumeFailing,
  type Reading,
  type SeenBlob,
  type SeenCopy,
} from "./scrub-decision.js";

const BLOB: SeenBlob = {
  copies: [],
  isNamed: true,
  isOwed: false,
  isHolder: true,
  isPlacedMeanwhile: false,
  isOld: true,
};
const GOOD: SeenCopy = { isInPlace: true, first: "good" };
const ASTRAY: SeenCopy = { isInPlace: false, first: "good" };
const BAD: SeenCopy = { isInPlace: true, first: "bad", second: "bad" };

const reading = fc.constantFrom<Reading>("good", "bad", "unreadable", "gone");
const copy: fc.Arbitrary<SeenCopy> = fc
  .record({ isInPlace: fc.boolean(), first: reading, second: fc.option(reading, { nil: undefined }) })
  .map(({ second, ...rest }) => (second === undefined ? rest : { ...rest, second }));
const blob: fc.Arbitrary<SeenBlob> = fc.record({
  copies: fc.array(copy, { maxLength: 4 }),
  isNamed: fc.boolean(),
  isOwed: fc.boolean(),
  isHolder: fc.boolean(),
  isPlacedMeanwhile: fc.boolean(),
  isOld: fc.boolean(),
});
const last = ({ first, second }: SeenCopy) => second ?? first;
const isWholeKind = (seen: SeenBlob, kind: string) => decideScrub(seen).actions.some((action) => action.kind === kind);

describe("decideScrub", () => {
  it.each<[string, Partial<SeenBlob>, string[], object[]]>([
    ["a good copy", { copies: [GOOD] }, [], []],
    ["a missing one", {}, ["missing"], [{ kind: "owe" }]],
    ["one that is owed already", { isOwed: true }, ["under-replicated"], []],
    ["a missing one where nothing needs be", { isHolder: false }, [], []],
    ["a bad copy, at first", { copies: [{ isInPlace: true, first: "bad" }] }, [], [{ kind: "read-again", copy: 0 }]],
    ["a bad copy, read twice", { copies: [BAD] }, ["corrupt"], [{ kind: "owe" }, { kind: "quarantine", copy: 0 }]],
    ["one that was read badly once", { copies: [{ isInPlace: true, first: "bad", second: "good" }] }, [], []],
    ["a bad copy beside a good one", { copies: [BAD, { ...GOOD }] }, ["corrupt"], [{ kind: "quarantine", copy: 0 }]],
    ["a copy astray", { copies: [ASTRAY] }, ["misplaced"], [{ kind: "put-in-place", copy: 0 }]],
    [
      "a copy astray and one in its place",
      { copies: [ASTRAY, GOOD] },
      ["misplaced"],
      [{ kind: "remove", copy: 0, kept: 1 }],
    ],
    ["the same blob on two volumes", { copies: [GOOD, GOOD] }, [], [{ kind: "remove", copy: 1, kept: 0 }]],
    ["one that is owed and here", { copies: [GOOD], isOwed: true }, [], [{ kind: "settle" }]],
    ["one that nothing refers to", { copies: [GOOD], isNamed: false }, ["orphaned"], []],
    ["one that may be named in a moment", { copies: [GOOD], isNamed: false, isOld: false }, [], []],
    [
      "one that nothing refers to, astray",
      { copies: [ASTRAY], isNamed: false },
      ["misplaced"],
      [{ kind: "put-in-place", copy: 0 }],
    ],
  ])("says of %s what it is and what to do", (_name, seen, findings, actions) => {
    expect(decideScrub({ ...BLOB, ...seen })).toEqual({ findings, actions });
  });

  it("never takes away the last good copy, and bad bytes only into quarantine", () => {
    fc.assert(
      fc.property(blob, (seen) => {
        const { actions } = decideScrub(seen);
        const taken = actions.flatMap((action) => (action.kind === "remove" ? [action] : []));
        for (const { copy: removed, kept } of taken) {
          expect(last(seen.copies[removed] as SeenCopy)).toBe("good");
          expect(last(seen.copies[kept] as SeenCopy)).toBe("good");
          expect(taken.some((other) => other.copy === kept)).toBe(false);
        }
        for (const action of actions) {
          if (action.kind !== "quarantine") continue;
          expect(["bad", "unreadable"]).toContain(last(seen.copies[action.copy] as SeenCopy));
        }
      }),
    );
  });

  it("says nothing of what is as it should be, which is one good copy that is named and not owed", () => {
    expect(isAsItShouldBe({ ...BLOB, copies: [GOOD] })).toBe(true);
    const likely = fc.record({ copies: fc.array(fc.oneof(fc.constant(GOOD), copy), { maxLength: 2 }) });
    fc.assert(
      fc.property(blob, likely, (rest, { copies }) => {
        const seen = { ...rest, copies };
        if (isAsItShouldBe(seen)) expect(decideScrub(seen)).toEqual({ findings: [], actions: [] });
      }),
    );
  });

  it("judges nobody by one reading, and nothing that was placed meanwhile", () => {
    fc.assert(
      fc.property(blob, (seen) => {
        const { findings, actions } = decideScrub(seen);
        if (seen.isPlacedMeanwhile) expect({ findings, actions }).toEqual({ findings: [], actions: [] });
        const isOpen = seen.copies.some(({ first, second }) => ["bad", "unreadable"].includes(first) && !second);
        if (!isOpen || seen.isPlacedMeanwhile) return;
        expect(findings).toEqual([]);
        expect(new Set(actions.map(({ kind }) => kind))).toEqual(new Set(["read-again"]));
      }),
    );
  });

  it("makes a debt exactly of what this node should have, has no good copy of, and does not owe yet", () => {
    fc.assert(
      fc.property(blob, (seen) => {
        fc.pre(!seen.isPlacedMeanwhile && !isWholeKind(seen, "read-again"));
        const hasGood = seen.copies.some((one) => last(one) === "good");
        const shouldOwe = seen.isNamed && seen.isHolder && !seen.isOwed && !hasGood;
        expect(isWholeKind(seen, "owe")).toBe(shouldOwe);
        expect(isWholeKind(seen, "settle")).toBe(seen.isNamed && seen.isOwed && hasGood);
      }),
    );
  });

  it("leaves exactly one good copy, where it belongs", () => {
    fc.assert(
      fc.property(blob, (seen) => {
        const { actions } = decideScrub(seen);
        fc.pre(!seen.isPlacedMeanwhile && !actions.some(({ kind }) => kind === "read-again"));
        const good = [...seen.copies.entries()].filter(([, one]) => last(one) === "good").map(([index]) => index);
        const removed = actions.flatMap((action) => (action.kind === "remove" ? [action.copy] : []));
        const placed = actions.flatMap((action) => (action.kind === "put-in-place" ? [action.copy] : []));
        const left = good.filter((index) => !removed.includes(index));
        expect(left).toHaveLength(good.length > 0 ? 1 : 0);
        for (const index of left) expect(seen.copies[index]?.isInPlace === true || placed.includes(index)).toBe(true);
      }),
    );
  });
});

describe("isVolumeFailing", () => {
  it("is not said of a few bad blobs, nor of many among very many", () => {
    expect(isVolumeFailing({ read: 60, bad: 40 })).toBe(false);
    expect(isVolumeFailing({ read: 10_000, bad: 100 })).toBe(false);
    expect(isVolumeFailing({ read: 500, bad: 60 })).toBe(true);
  });
});
