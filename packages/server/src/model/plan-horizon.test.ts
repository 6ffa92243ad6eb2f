import { expect, it } from "vitest";
import { planHorizon } from "./plan-horizon.js";

it("moves the horizon to what the retention has left behind, but never past what something needs", () => {
  expect(planHorizon({ current: 5, retained: 9, holds: [] })).toBe(9);
  expect(planHorizon({ current: 5, retained: 9, holds: [8, 7] })).toBe(7);
});

it("leaves it where it is when that would be no step forward", () => {
  expect(planHorizon({ current: 5, retained: 5, holds: [] })).toBeUndefined();
  expect(planHorizon({ current: 5, retained: 9, holds: [3] })).toBeUndefined();
});
