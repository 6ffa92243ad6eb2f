import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys } from "./key-order.js";
import { ListPlan, type ListPlanQuery } from "./list-plan.js";
import { listNaively } from "./test-naive-listing.js";

function runPlan(keys: readonly string[], query: ListPlanQuery) {
  const sorted = keys.toSorted(compareKeys);
  const plan = new ListPlan<{ key: string }>(query);
  let keysRead = 0;
  for (let range = plan.nextRange(); range !== undefined; range = plan.nextRange()) {
    const { from, isFromIncluded, to, limit } = range;
    const isBehind = (key: string) => compareKeys(key, from) > 0 || (isFromIncluded && key === from);
    const found = sorted
      .filter((key) => isBehind(key) && (to === undefined || compareKeys(key, to) < 0))
      .slice(0, limit);
    keysRead += found.length;
    plan.take(found.map((key) => ({ key })));
  }
  const { files, prefixes, next } = plan.page();
  return { page: { files: files.map((file) => file.key), prefixes, next }, keysRead };
}

const key = fc.string({
  unit: fc.constantFrom("a", "b", "/", "é", "\u{1F600}", "\uFFFF", "\u{10FFFF}"),
  minLength: 1,
  maxLength: 6,
});
const query = fc.record(
  {
    prefix: fc.oneof(key, fc.constant("")),
    delimiter: fc.constantFrom("/", "a/", "\u{1F600}"),
    after: key,
    limit: fc.integer({ min: 1, max: 8 }),
  },
  { requiredKeys: ["limit"] },
);

describe("ListPlan", () => {
  it("lists what a listing that looks at every key lists", () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 60 }), query, (keys, asked) => {
        expect(runPlan(keys, asked).page).toEqual(listNaively(keys, asked));
      }),
      { numRuns: 3000 },
    );
  });

  it("gives every entry exactly once when its pages are followed", () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 60 }), query, (keys, { after: _, ...asked }) => {
        const whole = listNaively(keys, { ...asked, limit: 1000 });
        const files: string[] = [];
        const prefixes: string[] = [];
        for (let after: string | undefined, more = true; more; ) {
          const { page } = runPlan(keys, after === undefined ? asked : { ...asked, after });
          files.push(...page.files);
          prefixes.push(...page.prefixes);
          after = page.next;
          more = after !== undefined;
        }
        expect({ files, prefixes }).toEqual({ files: whole.files, prefixes: whole.prefixes });
      }),
    );
  });

  it("skips the keys under a prefix instead of reading them", () => {
    const keys = Array.from({ length: 10 }, (_, folder) =>
      Array.from({ length: 5000 }, (_, file) => `${folder}/${file}`),
    ).flat();
    const { page, keysRead } = runPlan(keys, { delimiter: "/", limit: 100 });
    expect(page.prefixes).toHaveLength(10);
    expect(keysRead).toBeLessThan(500);
  });
});
