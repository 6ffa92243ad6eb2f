import { describe, expect, it } from "vitest";
import { ExpiryWorker } from "./expiry-worker.js";

describe("ExpiryWorker", () => {
  it("removes what is over in bounded batches, until nothing is left", async () => {
    let over = 50;
    const worker = new ExpiryWorker({
      removeExpired: async (limit) => {
        const removed = Math.min(limit, over);
        over -= removed;
        return removed;
      },
    });
    const steps = [];
    do steps.push(await worker.step());
    while (steps.at(-1) === "busy");
    expect(over).toBe(0);
    expect(steps).toEqual(["busy", "busy", "idle"]);
  });
});
