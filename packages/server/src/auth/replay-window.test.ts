import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplayWindow } from "./replay-window.js";

describe("ReplayWindow", () => {
  it("accepts each number once, in whatever order they come within its reach", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 200 }), (numbers) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        for (const number of numbers) {
          expect(window.accept(number)).toBe(!seen.has(number));
          seen.add(number);
        }
      }),
    );
  });

  it("never accepts a number twice, however far the numbers jump", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000_000 }), { maxLength: 100 }), (numbers) => {
        const window = new ReplayWindow();
        const accepted = [...numbers, ...numbers].filter((number) => window.accept(number));
        expect(new Set(accepted).size).toBe(accepted.length);
      }),
    );
  });

  it("takes what is older than its reach for seen", () => {
    const window = new ReplayWindow();
    expect(window.accept(100_000)).toBe(true);
    expect(window.accept(100_000 - 65_536)).toBe(false);
    expect(window.accept(100_000 - 65_535)).toBe(true);
  });
});
