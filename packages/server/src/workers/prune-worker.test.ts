import { describe, expect, it } from "vitest";
import { PruneWorker } from "./prune-worker.js";

const DAY_MS = 24 * 60 * 60 * 1000;

/** One lease and a number of outcomes that are old enough. */
class MemoryOutcomes {
  holder: string | undefined;
  old = 0;

  async acquireLease(_name: string, holder: string): Promise<boolean> {
    this.holder ??= holder;
    return this.holder === holder;
  }

  async releaseLease(_name: string, holder: string): Promise<void> {
    if (this.holder === holder) this.holder = undefined;
  }

  async pruneOutcomes(olderThanMs: number, limit: number): Promise<number> {
    if (olderThanMs < 7 * DAY_MS) throw new Error("a client may still ask for outcomes of this week");
    const removed = Math.min(limit, this.old);
    this.old -= removed;
    return removed;
  }
}

describe("PruneWorker", () => {
  it("removes old outcomes in bounded batches and gives the lease back", async () => {
    const catalog = new MemoryOutcomes();
    catalog.old = 2500;
    const worker = new PruneWorker({ catalog, holder: "a" });
    expect(await worker.step()).toBe("busy");
    expect(catalog.old).toBe(1500);
    expect(await worker.step()).toBe("busy");
    expect(await worker.step()).toBe("idle");
    expect(catalog.old).toBe(0);
    expect(catalog.holder).toBeUndefined();
  });

  it("leaves the work to the node that holds the lease", async () => {
    const catalog = new MemoryOutcomes();
    catalog.old = 10;
    catalog.holder = "another";
    expect(await new PruneWorker({ catalog, holder: "a" }).step()).toBe("idle");
    expect(catalog.old).toBe(10);
  });
});
