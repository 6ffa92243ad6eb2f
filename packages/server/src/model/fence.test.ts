import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findFence, findFork, planMirror, RETIRED_EPOCH, UNFINISHED_EPOCH } from "./fence.js";
import { compareHistories, type JournalPoint } from "./journal-history.js";

const KNOWN = { number: 5, hash: "five", epoch: 1 };
const SAME = { number: 5, hash: "five", epoch: 1, hashAtKnown: "five" };

describe("findFence", () => {
  it.each([
    ["the same history", SAME, undefined],
    ["one that went on", { ...SAME, number: 9, hash: "nine" }, undefined],
    ["one of a later epoch that went on", { ...SAME, number: 9, hash: "nine", epoch: 2 }, undefined],
    ["one that ends before", { ...SAME, number: 4, hash: "four", hashAtKnown: undefined }, "catalog_behind"],
    ["another one of the same length", { ...SAME, hash: "other", hashAtKnown: "other" }, "history_forked"],
    ["another one that is longer", { ...SAME, number: 9, hash: "nine", hashAtKnown: "other" }, "history_forked"],
    ["one whose groups end elsewhere", { ...SAME, number: 9, hash: "nine", hashAtKnown: undefined }, "history_forked"],
    ["one of an earlier epoch, however long", { ...SAME, number: 99, epoch: 0 }, "catalog_outdated"],
    ["one that is still being made", { ...SAME, number: 99, epoch: UNFINISHED_EPOCH }, "catalog_unfinished"],
    ["one that was moved away", { ...SAME, epoch: RETIRED_EPOCH }, "catalog_retired"],
  ])("lets a node write to %s or not", (_name, catalog, code) => {
    expect(findFence(catalog, KNOWN)?.code).toBe(code);
  });

  it("holds up nobody who knows nothing yet", () => {
    const known = { number: 0, hash: "genesis", epoch: 0 };
    expect(findFence({ ...SAME, hashAtKnown: undefined }, known)).toBeUndefined();
    expect(findFence({ ...SAME, epoch: UNFINISHED_EPOCH, hashAtKnown: undefined }, known)).toBeDefined();
  });
});

describe("planMirror", () => {
  it("says which side has to move", () => {
    const compare = (catalog: Partial<typeof SAME>, hashAtHead?: string) =>
      planMirror({ catalog: { ...SAME, ...catalog }, mirror: KNOWN, hashAtHead }).kind;
    expect(compare({})).toBe("nothing");
    expect(compare({ number: 9, hash: "nine" })).toBe("catch-up");
    expect(compare({ number: 3, hash: "three", hashAtKnown: "" }, "three")).toBe("complete");
    expect(compare({ number: 0, hash: "genesis", hashAtKnown: "" })).toBe("complete");
    expect(compare({ number: 3, hash: "other", hashAtKnown: "" }, "three")).toBe("join");
    expect(compare({ number: 3, hash: "other", hashAtKnown: "" }, undefined)).toBe("join");
    expect(compare({ number: 9, hash: "nine", hashAtKnown: "other" })).toBe("join");
    expect(compare({ number: 3, hash: "three", epoch: 0 }, "three")).toBe("refuse");
    expect(compare({ number: 3, hash: "three", epoch: UNFINISHED_EPOCH }, "three")).toBe("refuse");
    expect(compare({ epoch: RETIRED_EPOCH })).toBe("refuse");
  });
});

/** Ends of groups: a common beginning, and what each side has of its own. */
const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 });

function pointsOf(side: string, groups: readonly number[], start: JournalPoint): JournalPoint[] {
  let { number } = start;
  return groups.map((size) => {
    number += size;
    return { number, hash: `${side}-${number}` };
  });
}

describe("findFork, for any two histories", () => {
  it("finds the last point that both have, and the plan agrees with a comparison of everything", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, sizes, async (common, left, right) => {
        const genesis = { number: 0, hash: "genesis" };
        const shared = pointsOf("common", common, genesis);
        const fork = shared.at(-1) ?? genesis;
        const mirror = [...shared, ...pointsOf("left", left, fork)];
        const catalog = [...shared, ...pointsOf("right", right, fork)];
        const [own, head] = [mirror.at(-1) ?? genesis, catalog.at(-1) ?? genesis];
        const found = await findFork({
          genesis,
          end: own.number,
          findGroupBehind: async (number) => mirror.find((point) => point.number > number),
          hasPoint: async (point) => catalog.some(({ number, hash }) => number === point.number && hash === point.hash),
        });
        expect(found).toEqual(fork);
        const hashAt = (points: readonly JournalPoint[], number: number) =>
          points.find((point) => point.number === number)?.hash;
        const plan = planMirror({
          catalog: { ...head, epoch: 0, hashAtKnown: hashAt(catalog, own.number) },
          mirror: { ...own, epoch: 0 },
          hashAtHead: hashAt(mirror, head.number),
        });
        const { relation } = compareHistories([genesis, ...mirror], [genesis, ...catalog]);
        const expected = { same: "nothing", behind: "catch-up", ahead: "complete", forked: "join" } as const;
        expect(plan.kind).toBe(expected[relation]);
      }),
    );
  });
});
