import fc from "fast-check";
import { expect, it } from "vitest";
import { shareOut } from "./process-shares.js";

const WHOLE = { running: 512, cacheBytes: 64 * 1024 * 1024, pieces: 64 };

it("gives a lone process everything", () => {
  expect(shareOut(WHOLE, 1).node).toEqual(WHOLE);
});

it("never hands out more than there is, and something to everybody", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 64 }), (processes) => {
      const { node, reader } = shareOut(WHOLE, processes);
      for (const what of ["running", "cacheBytes", "pieces"] as const) {
        expect(node[what] + reader[what] * (processes - 1)).toBeLessThanOrEqual(WHOLE[what]);
        expect(Math.min(node[what], reader[what])).toBeGreaterThan(0);
      }
      expect(node.running).toBeGreaterThanOrEqual(WHOLE.running / 2);
    }),
  );
});
