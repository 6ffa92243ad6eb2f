import { createHash } from "node:crypto";
import { parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import type { BlobRef, BlobStore } from "../blobs/blob-store.js";
import type { ScrubbedStore } from "../blobs/scrubbed-store.js";
import type { CoverageSummary, OrderedPass, ScrubCoverage } from "../blobs/scrub-coverage.js";
import type { Debt, StoredBlobRecord } from "../catalog/catalog.js";
import { StaticCluster } from "../cluster/static-cluster.js";
import { SHARDS } from "../model/folder-shard.js";
import { silentLogger } from "../runtime/logger.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { Quarantine } from "./quarantine.js";
import { ScrubStretch, type ScrubStretchOptions } from "./scrub-stretch.js";
import { ScrubWorker } from "./scrub-worker.js";
import { VolumeReads } from "./volume-reads.js";

export const NAMESPACE = parseNamespaceName("photos");

export function refOf(text: string): BlobRef {
  return { namespace: NAMESPACE, digest: parseDigest(createHash("sha256").update(text).digest("hex")) };
}

/** What the catalog of a test names, and what the node owes. Answers at once, or when the test lets it. */
export class NamedBlobs {
  readonly records = new Map<string, StoredBlobRecord>();
  readonly debts = new Map<string, Debt>();
  /** Runs before an answer of the method. */
  before: (method: "listBlobs" | "listUnreferenced" | "listOwedBy") => Promise<void> = async () => {};

  name(text: string): BlobRef {
    const ref = refOf(text);
    this.records.set(ref.digest, { ...ref, sizeBytes: Buffer.byteLength(text) });
    return ref;
  }

  async listBlobs({
    after,
    until,
    limit,
  }: {
    after: { digest: string; namespace: string };
    until: string;
    limit: number;
  }) {
    await this.before("listBlobs");
    const isBehind = ({ digest, namespace }: StoredBlobRecord) =>
      digest > after.digest || (digest === after.digest && namespace > after.namespace);
    const found = [...this.records.values()].filter((record) => isBehind(record) && record.digest <= until);
    return found.sort((a, b) => (a.digest < b.digest ? -1 : 1)).slice(0, limit);
  }

  async listUnreferenced(blobs: readonly BlobRef[]): Promise<BlobRef[]> {
    await this.before("listUnreferenced");
    return blobs.filter(({ namespace, digest }) => this.records.get(digest)?.namespace !== namespace);
  }

  confirmUnreferenced(blobs: readonly BlobRef[]): Promise<BlobRef[]> {
    return this.listUnreferenced(blobs);
  }

  async listOwedBy(_node: string, blobs: readonly BlobRef[]): Promise<BlobRef[]> {
    await this.before("listOwedBy");
    return blobs.filter(({ digest }) => this.debts.has(digest));
  }

  async listDebts(): Promise<Debt[]> {
    return [...this.debts.values()];
  }

  async addDebts(debts: readonly Debt[]): Promise<void> {
    for (const debt of debts) this.debts.set(debt.digest, debt);
  }

  async settleDebts(debts: readonly Debt[]): Promise<void> {
    for (const { digest } of debts) this.debts.delete(digest);
  }
}

/** Coverage in memory: one volume's, whatever volumes there are. */
export class MemoryCoverage implements ScrubCoverage {
  readonly stamps = new Uint32Array(SHARDS);
  ordered: OrderedPass | undefined;
  saves = 0;

  order(pass: OrderedPass): void {
    this.ordered = pass;
  }

  findDue(from: number, second: number): number | undefined {
    const found = this.stamps.subarray(from).findIndex((stamp) => stamp < second);
    return found < 0 ? undefined : from + found;
  }

  prove(_volumes: readonly string[], { from, to, second }: { from: number; to: number; second: number }): void {
    this.stamps.fill(second, from, to + 1);
  }

  summarize(second: number): CoverageSummary {
    const proven = this.stamps.filter((stamp) => stamp >= second).length;
    return { shards: SHARDS, proven, oldestSecond: this.stamps.reduce((a, b) => Math.min(a, b)) };
  }

  async save(): Promise<void> {
    this.saves += 1;
  }
}

/** A scrub over some store, with everything that it asks in memory. */
export class ScrubWorld {
  readonly catalog = new NamedBlobs();
  readonly cluster = new StaticCluster({ peers: {} });
  readonly clock = new SimulatedClock(Date.UTC(2030, 0, 1));
  readonly coverage: MemoryCoverage;
  readonly stretch: ScrubStretch;
  readonly worker: ScrubWorker;
  wakes = 0;

  constructor(store: ScrubbedStore, coverage = new MemoryCoverage(), bytesPerSecond = 0) {
    const { catalog, clock, cluster } = this;
    this.coverage = coverage;
    const log = silentLogger;
    const options: ScrubStretchOptions = { store, catalog, cluster, reads: new VolumeReads(), clock, log };
    this.stretch = new ScrubStretch(options);
    this.worker = new ScrubWorker({
      store,
      stretch: this.stretch,
      quarantine: new Quarantine({ store, catalog, log }),
      coverage,
      bytesPerSecond,
      againMs: 86_400_000,
      wake: () => {
        this.wakes += 1;
      },
      clock,
      log,
    });
  }

  /** Runs an ordered pass to its end; answers what it came to. */
  async run(repairs = true) {
    this.worker.order({ repairs });
    const signal = new AbortController().signal;
    while (this.worker.describe().pass?.state === "running") {
      const step = this.worker.step(signal);
      let isOver = false;
      const watch = step.then(
        () => void (isOver = true),
        () => void (isOver = true),
      );
      while (!isOver) await this.clock.advance(100);
      await watch;
      await step;
    }
    const { pass } = this.worker.describe();
    if (pass === undefined) throw new Error("no pass was ordered");
    return pass;
  }
}

export async function putText(store: BlobStore, text: string): Promise<BlobRef> {
  const write = await store.create(NAMESPACE);
  await write.write(Buffer.from(text));
  await write.finish();
  return refOf(text);
}
