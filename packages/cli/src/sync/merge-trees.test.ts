import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys } from "@koboldfs/client";
import { mergeTrees } from "./merge-trees.js";

async function* side(keys: readonly string[]): AsyncGenerator<{ key: string }> {
  for (const key of keys) yield { key };
}

describe("the merge of two trees", () => {
  it("gives every key once, in byte order, with the sides that have it", async () => {
    const keys = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(keys, keys, async (a, b) => {
        const seen: string[] = [];
        for await (const { key, local, remote } of mergeTrees(side(a.sort(compareKeys)), side(b.sort(compareKeys)))) {
          seen.push(key);
          expect([local !== undefined, remote !== undefined]).toEqual([a.includes(key), b.includes(key)]);
        }
        expect(seen).toEqual([...new Set([...a, ...b])].sort(compareKeys));
      }),
    );
  });
});
