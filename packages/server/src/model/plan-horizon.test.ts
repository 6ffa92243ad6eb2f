import { expect, it } from "vitest";
import { NAMESPACE, transactionRef } from "./test-changes.js";
import type { TransactionRow } from "./transaction.js";
import { listHorizonHolds, planHorizon } from "./plan-horizon.js";

it("moves the horizon to what the retention has left behind, but never past what something needs", () => {
  expect(planHorizon({ current: 5, retained: 9, holds: [] })).toBe(9);
  expect(planHorizon({ current: 5, retained: 9, holds: [8, 7] })).toBe(7);
});

it("leaves it where it is when that would be no step forward", () => {
  expect(planHorizon({ current: 5, retained: 5, holds: [] })).toBeUndefined();
  expect(planHorizon({ current: 5, retained: 9, holds: [3] })).toBeUndefined();
});

it("is held back by the prepared transactions that change the namespace, and by no others", () => {
  const row = {
    ...transactionRef(1),
    begunMs: 0,
    ttlMs: 1,
    expiresMs: 0,
    changes: 1,
    stagedBytes: 0,
    steps: 0,
    entryBytes: 0,
  };
  const of = (state: "open" | "prepared", number: number, usage: Record<string, number>): TransactionRow => {
    return { ...row, state, number, usage };
  };
  const rows = [of("prepared", 9, { demo: 0 }), of("prepared", 5, { other: 1 }), of("open", 3, { demo: 1 })];
  expect(listHorizonHolds(NAMESPACE, rows)).toEqual([8]);
});
