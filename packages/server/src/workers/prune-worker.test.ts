import type { NodeId } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { Debt, NodeRecord } from "../catalog/catalog.js";
import { PruneWorker } from "./prune-worker.js";

const DAY_MS = 24 * 60 * 60 * 1000;

/** One lease, a number of outcomes that are old enough, and the debts of one dead node and of one that lives. */
class MemoryOutcomes {
  holder: string | undefined;
  old = 0;
  readonly debts = { dead: 0, alive: 5 };

  async listNodes(): Promise<NodeRecord[]> {
    return (["dead", "alive"] as const).map((state) => ({ state, id: state as string }) as NodeRecord);
  }

  async listDebts(node: NodeId, limit: number): Promise<Debt[]> {
    const count = Math.min(limit, this.debts[node as string as "dead"]);
    return Array.from({ length: count }, () => ({ node }) as Debt);
  }

  async settleDebts(debts: readonly Debt[]): Promise<void> {
    for (const { node } of debts) this.debts[node as string as "dead"] -= 1;
  }

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

  it("strikes off what dead nodes owed, and nothing of the others", async () => {
    const catalog = new MemoryOutcomes();
    catalog.debts.dead = 1500;
    const worker = new PruneWorker({ catalog, holder: "a" });
    expect(await worker.step()).toBe("busy");
    expect(await worker.step()).toBe("idle");
    expect(catalog.debts).toEqual({ dead: 0, alive: 5 });
  });

  it("leaves the work to the node that holds the lease", async () => {
    const catalog = new MemoryOutcomes();
    catalog.old = 10;
    catalog.holder = "another";
    expect(await new PruneWorker({ catalog, holder: "a" }).step()).toBe("idle");
    expect(catalog.old).toBe(10);
  });
});
