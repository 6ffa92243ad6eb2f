import { describe, expect, it } from "vitest";
import { type Measurement, summarizeRounds } from "./measurement.js";
import { median } from "./median.js";

function round(changes: Partial<Measurement>): Measurement {
  return {
    requestsPerSecond: 100,
    latencyMs: { p50: 1, p99: 2, max: 3 },
    cpuSecondsPer1000: 1,
    memory: [],
    generatorLoad: 0.1,
    errors: [],
    ...changes,
  };
}

describe("median", () => {
  it("takes the middle value, whatever the order", () => {
    expect(median([3, 1, 100])).toBe(3);
  });

  it("takes the mean of the middle two of an even number", () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });
});

describe("summarizeRounds", () => {
  it("does not let one bad round decide", () => {
    const rounds = [100, 900, 110].map((requestsPerSecond) => round({ requestsPerSecond }));
    expect(summarizeRounds(rounds).requestsPerSecond).toBe(110);
  });

  it("keeps the errors of every round, so that none is outvoted", () => {
    expect(summarizeRounds([round({}), round({ errors: ["3 status"] }), round({})]).errors).toEqual(["3 status"]);
  });

  it("keeps each process's largest memory", () => {
    const rounds = [50, 80, 60].map((peakMiB) => round({ memory: [{ name: "node", peakMiB }] }));
    expect(summarizeRounds(rounds).memory).toEqual([{ name: "node", peakMiB: 80 }]);
  });
});
