import { describe, expect, it } from "vitest";
import { RetryBudget } from "./retry-budget.js";

describe("the budget of retries", () => {
  it("allows no attempt and no pause beyond the deadline", () => {
    const budget = new RetryBudget(1_000, 0, () => 1);
    expect(budget.allowsAttempt(999)).toBe(true);
    expect(budget.allowsAttempt(1_000)).toBe(false);
    expect(budget.nextBackoffMs(899)).toBe(100);
    expect(budget.nextBackoffMs(899)).toBeUndefined();
  });

  it("pauses longer with each round, between half and all of the ceiling", () => {
    const least = new RetryBudget(60_000, 0, () => 0);
    const most = new RetryBudget(60_000, 0, () => 1);
    const rounds = [1, 2, 3, 4, 5, 6, 7];
    expect(rounds.map(() => least.nextBackoffMs(0))).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
    expect(rounds.map(() => most.nextBackoffMs(0))).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
  });

  it("waits as long as the server asked for, within reason", () => {
    const budget = new RetryBudget(60_000, 0, () => 1);
    expect(budget.nextBackoffMs(0, 1_500)).toBe(1_500);
    expect(budget.nextBackoffMs(0, 3_600_000)).toBe(2_000);
  });

  it("starts the deadline anew when bytes get further than ever before, and only then", () => {
    const budget = new RetryBudget(1_000, 0, () => 1);
    budget.noteProgress(10, 900);
    expect(budget.allowsAttempt(1_800)).toBe(true);
    budget.noteProgress(10, 1_800);
    expect(budget.allowsAttempt(1_900)).toBe(false);
  });

  it("ends after a bounded number of attempts whatever the progress", () => {
    const budget = new RetryBudget(1_000, 0, () => 1);
    let attempts = 0;
    while (budget.allowsAttempt(0)) {
      attempts += 1;
      budget.noteProgress(attempts, 0);
    }
    expect(attempts).toBeLessThan(100);
  });
});
