import { beforeEach, describe, expect, it } from "vitest";
import type { NamespaceHorizon, WebhookRecord } from "../catalog/catalog.js";
import type { Change, ChangeOutcome, MoveHorizonChange } from "../model/change.js";
import { refuse } from "../model/refusal.js";
import { NAMESPACE } from "../model/test-changes.js";
import { HistoryWorker } from "./history-worker.js";

const HOUR_MS = 3_600_000;

/** A journal with an entry each hour, the newest now; former versions end where a test says. */
class HourlyCatalog {
  readonly head = 1000;
  horizons: NamespaceHorizon[] = [{ namespace: NAMESPACE, horizon: 10, createdMs: 0, retentionMs: 24 * HOUR_MS }];
  webhooks: WebhookRecord[] = [];
  /** Numbers at which former versions ended. */
  ends = [20, 900];
  versions = 0;
  holder: string | undefined;
  readonly moved: MoveHorizonChange[] = [];
  prunedPurges = 0;
  outcome: ChangeOutcome = {
    ok: true,
    version: 0,
    modified: new Date(),
    copies: 0,
    holders: 0,
    owing: [],
    replayed: false,
  };

  async getMoment(at: { number: number } | { timeMs: number } | { ageMs: number }) {
    if (!("ageMs" in at)) throw new Error("horizons go by age");
    return { number: this.head - Math.floor(at.ageMs / HOUR_MS), timeMs: 0 };
  }
  async listHorizons() {
    return this.horizons;
  }
  async hasHistory(_namespace: string, horizon: number) {
    return this.ends.some((end) => end <= horizon);
  }
  async listWebhooks() {
    return this.webhooks;
  }
  async listUnfinishedTransactions() {
    return [];
  }
  async commit(change: Change) {
    this.moved.push(change as MoveHorizonChange);
    return this.outcome;
  }
  async pruneVersions(limit: number) {
    const removed = Math.min(limit, this.versions);
    this.versions -= removed;
    return removed;
  }
  async prunePurges(olderThanMs: number) {
    if (olderThanMs < 10 * 60_000) throw new Error("a placement from before may still be named");
    this.prunedPurges += 1;
  }
  async acquireLease(_name: string, holder: string) {
    this.holder ??= holder;
    return this.holder === holder;
  }
  async releaseLease(_name: string, holder: string) {
    if (this.holder === holder) this.holder = undefined;
  }
}

let catalog: HourlyCatalog;
let worker: HistoryWorker;
beforeEach(() => {
  catalog = new HourlyCatalog();
  worker = new HistoryWorker({ catalog, holder: "a" });
});

function webhookAt(position: number, settings: Partial<WebhookRecord> = {}): WebhookRecord {
  return { id: "w", url: "http://w/", namespace: NAMESPACE, prefix: "", position, failures: 1, ...settings };
}

const horizons = () => catalog.moved.map(({ horizon }) => horizon);

describe("HistoryWorker", () => {
  it("moves a horizon as far as the retention has passed, and gives the lease back", async () => {
    expect(await worker.step()).toBe("idle");
    expect(catalog.moved).toEqual([{ kind: "move-horizon", namespace: NAMESPACE, horizon: 976 }]);
    expect([catalog.holder, catalog.prunedPurges]).toEqual([undefined, 1]);
  });

  it("moves no horizon past which nothing is given up, nor one backwards", async () => {
    catalog.ends = [980];
    await worker.step();
    catalog.ends = [20];
    catalog.horizons = [{ namespace: NAMESPACE, horizon: 990, createdMs: 0, retentionMs: 24 * HOUR_MS }];
    await worker.step();
    expect(catalog.moved).toEqual([]);
  });

  it("prunes in bounded batches, and asks for the next step until all is gone", async () => {
    catalog.versions = 1200;
    expect([await worker.step(), await worker.step(), await worker.step()]).toEqual(["busy", "busy", "idle"]);
    expect([catalog.versions, catalog.prunedPurges]).toEqual([0, 1]);
  });

  it("passes over a namespace that is gone since it was listed, and fails with anything else", async () => {
    catalog.outcome = refuse("namespace_not_found", "gone");
    expect(await worker.step()).toBe("idle");
    catalog.outcome = refuse("overloaded", "later");
    await expect(worker.step()).rejects.toMatchObject({ code: "overloaded" });
  });

  it("waits for a webhook that is late, a day longer than the retention and no more", async () => {
    catalog.webhooks = [webhookAt(970)];
    await worker.step();
    catalog.webhooks = [webhookAt(500)];
    await worker.step();
    expect(horizons()).toEqual([970, 952]);
  });

  it("waits for no webhook that is up to date, or follows another namespace", async () => {
    catalog.webhooks = [webhookAt(999), webhookAt(5, { namespace: "other" as typeof NAMESPACE })];
    await worker.step();
    const { namespace: _, ...ofAll } = webhookAt(960);
    catalog.webhooks = [ofAll];
    await worker.step();
    expect(horizons()).toEqual([976, 960]);
  });

  it("leaves the work to the node that holds the lease", async () => {
    catalog.holder = "another";
    expect(await worker.step()).toBe("idle");
    expect([catalog.moved, catalog.holder]).toEqual([[], "another"]);
  });
});
