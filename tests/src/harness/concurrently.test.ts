import { describe, expect, it } from "vitest";
import { concurrently } from "./concurrently.js";

describe("concurrently", () => {
  it("runs every item once and never more than so many at a time", async () => {
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    await concurrently(Array.from({ length: 50 }, (_, index) => index).values(), 4, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(item);
      running -= 1;
    });
    expect([most, seen.sort((a, b) => a - b)]).toEqual([4, Array.from({ length: 50 }, (_, index) => index)]);
  });

  it("rejects with the first failure and starts nothing after it", async () => {
    let started = 0;
    const failing = concurrently([1, 2, 3, 4, 5], 1, async (item) => {
      started += 1;
      if (item === 2) throw new Error("two");
    });
    await expect(failing).rejects.toThrow("two");
    expect(started).toBe(2);
  });
});
