import { beforeEach, describe, expect, it } from "vitest";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { PaceMeter } from "./pace-meter.js";

describe("PaceMeter", () => {
  let clock: SimulatedClock;
  let meter: PaceMeter;
  beforeEach(() => {
    clock = new SimulatedClock();
    meter = new PaceMeter(clock);
  });

  it("stands still at first", () => {
    expect(meter.pace()).toEqual({ filesPerSecond: 0, bytesPerSecond: 0 });
  });

  it("says how fast it went, and forgets it a minute later", async () => {
    for (let second = 0; second < 30; second += 1) {
      for (let file = 0; file < 10; file += 1) meter.add(1_000);
      await clock.advance(1_000);
    }
    expect(meter.pace()).toEqual({ filesPerSecond: 10, bytesPerSecond: 10_000 });
    await clock.advance(90_000);
    expect(meter.pace()).toEqual({ filesPerSecond: 0, bytesPerSecond: 0 });
  });

  it("goes by the last minute only", async () => {
    for (let second = 0; second < 100; second += 1) {
      meter.add(second < 40 ? 1e9 : 500);
      await clock.advance(1_000);
    }
    const { filesPerSecond, bytesPerSecond } = meter.pace();
    expect(filesPerSecond).toBeCloseTo(1, 1);
    expect(bytesPerSecond).toBeCloseTo(500, -2);
  });
});
