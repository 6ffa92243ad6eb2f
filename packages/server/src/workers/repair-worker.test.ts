import { parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { MemoryBlobStore } from "../blobs/memory/memory-blob-store.js";
import type { Debt, DebtCatalog } from "../catalog/catalog.js";
import { StaticCluster } from "../cluster/static-cluster.js";
import { silentLogger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import type { BlobFetcher, FetchOutcome } from "./blob-fetcher.js";
import type { WantedBlob } from "./blob-transfer.js";
import { PeerBudget } from "./peer-budget.js";
import { RepairWorker } from "./repair-worker.js";

const SIGNAL = new AbortController().signal;

/** Debts in memory, in the order in which they are to be paid. */
class MemoryDebts implements DebtCatalog {
  debts: Debt[] = [];
  settledAtOnce: number[] = [];
  failing = false;

  async listDebts(_node: string, limit: number, skip = 0): Promise<Debt[]> {
    return this.debts.slice(skip, skip + limit);
  }

  async settleDebts(settled: readonly Debt[]): Promise<void> {
    if (this.failing) throw new Error("the catalog is away");
    await Promise.resolve();
    this.settledAtOnce.push(settled.length);
    this.debts = this.debts.filter((debt) => !settled.some(({ digest }) => digest === debt.digest));
  }

  async addDebt(debt: Debt): Promise<void> {
    this.debts.push(debt);
  }

  async countDebts() {
    return [];
  }
}

/** Answers what the test says, and counts. */
class ScriptedFetcher implements Pick<BlobFetcher, "fetch"> {
  readonly fetched: string[] = [];
  running = 0;
  mostRunning = 0;
  answer: (blob: WantedBlob) => FetchOutcome | Promise<FetchOutcome> = () => "fetched";

  async fetch(blob: WantedBlob): Promise<FetchOutcome> {
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    this.fetched.push(blob.digest);
    try {
      await Promise.resolve();
      return await this.answer(blob);
    } finally {
      this.running -= 1;
    }
  }
}

function digestOf(number: number): string {
  return number.toString(16).padStart(64, "0");
}

describe("RepairWorker", () => {
  let catalog: MemoryDebts;
  let fetcher: ScriptedFetcher;
  let cluster: StaticCluster;
  let clock: SimulatedClock;
  let worker: RepairWorker;

  beforeEach(() => {
    catalog = new MemoryDebts();
    fetcher = new ScriptedFetcher();
    cluster = new StaticCluster({ peers: { peer: new MemoryBlobStore() } });
    clock = new SimulatedClock();
    worker = new RepairWorker({ catalog, cluster, fetcher, lanes: 8, clock, log: silentLogger });
  });

  function owe(count: number): void {
    for (let number = 0; number < count; number += 1) {
      const digest = parseDigest(digestOf(number));
      const namespace = parseNamespaceName("demo");
      catalog.debts.push({ node: cluster.self, namespace, digest, sizeBytes: 1, copies: 1 });
    }
  }

  async function stepUntilIdle(): Promise<void> {
    while ((await worker.step(SIGNAL)) === "busy");
  }

  it("pays every debt once, in the catalog's order, in parallel within its bound", async () => {
    owe(1200);
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
    expect(fetcher.fetched).toEqual(Array.from({ length: 1200 }, (_, number) => digestOf(number)));
    expect(fetcher.mostRunning).toBe(8);
  });

  it("settles several debts at once", async () => {
    owe(800);
    await stepUntilIdle();
    expect(catalog.settledAtOnce.reduce((sum, count) => sum + count)).toBe(800);
    expect(catalog.settledAtOnce.length).toBeLessThan(400);
  });

  it("tells of each debt that was paid, and begins none while every peer rests", async () => {
    const paid: number[] = [];
    const budget = new PeerBudget({ clock, lanes: 1, bytesPerSecond: 1 });
    const onPaid = ({ sizeBytes }: Debt) => void paid.push(sizeBytes);
    const rest = { catalog, cluster, fetcher, clock, log: silentLogger };
    worker = new RepairWorker({ ...rest, lanes: 2, budget, onPaid });
    owe(3);
    expect(await worker.step(SIGNAL)).toBe("busy");
    await stepUntilIdle();
    expect(paid).toEqual([1, 1, 1]);
    owe(2);
    for (const { node } of cluster.readingPeers()) budget.failed(node.id);
    expect(await worker.step(SIGNAL)).toBe("idle");
    expect(fetcher.fetched).toHaveLength(3);
    await clock.advance(1_000);
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
  });

  it("settles a blob that is here already", async () => {
    owe(1);
    fetcher.answer = () => "here";
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
  });

  it("keeps a debt that nobody can pay, tries it again later and later, and pays the others behind it meanwhile", async () => {
    owe(1000);
    fetcher.answer = ({ digest }) => (Number.parseInt(digest, 16) < 600 ? "absent" : "fetched");
    await stepUntilIdle();
    expect(catalog.debts).toHaveLength(600);
    expect(fetcher.fetched).toHaveLength(1000);
    await stepUntilIdle();
    expect(fetcher.fetched).toHaveLength(1000);
    await clock.advance(2_000);
    await stepUntilIdle();
    expect(fetcher.fetched).toHaveLength(1600);
    await clock.advance(2_000);
    await stepUntilIdle();
    expect(fetcher.fetched).toHaveLength(1600);
    fetcher.answer = () => "fetched";
    await clock.advance(2_000);
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
  });

  it("tries every debt at once when another node comes back", async () => {
    owe(3);
    fetcher.answer = () => "unreachable";
    await stepUntilIdle();
    fetcher.answer = () => "fetched";
    cluster.setPeers({ peer: new MemoryBlobStore(), returned: new MemoryBlobStore() });
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
  });

  it("goes on waiting for a transfer that runs when the last peer is gone", async () => {
    owe(1);
    let finish: ((outcome: FetchOutcome) => void) | undefined;
    fetcher.answer = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    const step = worker.step(SIGNAL);
    await clock.advance(1_000);
    expect(await step).toBe("busy");
    cluster.setPeers({});
    const next = worker.step(SIGNAL);
    await clock.advance(0);
    finish?.("fetched");
    expect(await next).toBe("busy");
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
  });

  it("is idle without asking the catalog while there is no peer", async () => {
    owe(1);
    cluster.setPeers({});
    expect(await worker.step(SIGNAL)).toBe("idle");
    expect(fetcher.fetched).toEqual([]);
  });

  it("keeps the debt and fails the step when this node's volumes or the catalog fail", async () => {
    owe(1);
    fetcher.answer = () => Promise.reject(new Error("the disk is full"));
    await expect(worker.step(SIGNAL)).rejects.toThrow("the disk is full");
    await clock.advance(2_000);
    fetcher.answer = () => "fetched";
    catalog.failing = true;
    await expect(stepUntilIdle()).rejects.toThrow("the catalog is away");
    expect(catalog.debts).toHaveLength(1);
    catalog.failing = false;
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
  });

  it("pays the others before it tries again what this node's volumes did not take", async () => {
    owe(100);
    fetcher.answer = ({ digest }) =>
      digest === digestOf(0) ? Promise.reject(new Error("no room for this one")) : "fetched";
    await expect(stepUntilIdle()).rejects.toThrow("no room for this one");
    await stepUntilIdle();
    expect(catalog.debts.map(({ digest }) => digest)).toEqual([digestOf(0)]);
  });

  it("pays new debts while a long transfer runs", async () => {
    owe(1);
    let finishLong: ((outcome: FetchOutcome) => void) | undefined;
    const long = new Promise<FetchOutcome>((resolve) => {
      finishLong = resolve;
    });
    fetcher.answer = ({ digest }) => (digest === digestOf(0) ? long : "fetched");
    const step = worker.step(SIGNAL);
    await clock.advance(1_000);
    expect(await step).toBe("busy");
    owe(3);
    await worker.step(SIGNAL);
    expect(fetcher.fetched).toContain(digestOf(1));
    expect(fetcher.fetched.filter((digest) => digest === digestOf(0))).toHaveLength(1);
    finishLong?.("fetched");
    await stepUntilIdle();
    expect(catalog.debts).toEqual([]);
  });

  it("waits for everything it started when it is stopped", async () => {
    owe(2);
    const stopping = new AbortController();
    const endings: (() => void)[] = [];
    fetcher.answer = () =>
      new Promise((_, reject) => {
        endings.push(() => reject(stopping.signal.reason));
      });
    const step = worker.step(stopping.signal).catch(() => "failed");
    await clock.advance(0);
    stopping.abort(new Error("stopped"));
    endings[0]?.();
    expect(await step).toBe("failed");
    const ended = worker.end().then(() => fetcher.running);
    endings[1]?.();
    expect(await ended).toBe(0);
  });
});
