import { parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { MemoryBlobStore } from "../blobs/memory/memory-blob-store.js";
import type { Debt, DebtCatalog, JournalBlob, JournalCatalog, NodeCatalog } from "../catalog/catalog.js";
import { StaticCluster } from "../cluster/static-cluster.js";
import { silentLogger } from "../runtime/logger.js";
import { BackfillWorker } from "./backfill-worker.js";
import type { FetchOutcome } from "./blob-fetcher.js";

const SIGNAL = new AbortController().signal;
const NAMESPACE = parseNamespaceName("demo");

type Asked = Pick<JournalCatalog, "listJournalBlobs"> &
  Pick<NodeCatalog, "setBackfillPosition"> &
  Pick<DebtCatalog, "addDebt">;

/** A journal in memory, and the order of what happens. */
class MemoryJournal implements Asked {
  blobs: JournalBlob[] = [];
  readonly positions: number[] = [];
  readonly debts: Debt[] = [];

  async listJournalBlobs({ after, until, limit }: { after: number; until: number; limit: number }) {
    return this.blobs.filter(({ number }) => number > after && number <= until).slice(0, limit);
  }

  async setBackfillPosition(_node: string, position: number): Promise<void> {
    this.positions.push(position);
  }

  async addDebt(debt: Debt): Promise<void> {
    this.debts.push(debt);
  }
}

describe("BackfillWorker", () => {
  let catalog: MemoryJournal;
  let cluster: StaticCluster;
  let fetched: string[];
  let answer: (blob: { digest: string }) => FetchOutcome | Promise<FetchOutcome>;
  let worker: BackfillWorker;

  beforeEach(() => {
    catalog = new MemoryJournal();
    cluster = new StaticCluster({ peers: { peer: new MemoryBlobStore() } });
    cluster.setSelf({ joinedAt: 451, backfillPosition: 0 });
    fetched = [];
    answer = () => "fetched";
    const fetcher = {
      fetch: async (blob: { digest: string }) => {
        fetched.push(blob.digest);
        return answer(blob);
      },
    };
    worker = new BackfillWorker({ catalog, cluster, fetcher, lanes: 8, batchEntries: 200, log: silentLogger });
  });

  function journal(count: number, digestOf = (number: number) => number): void {
    catalog.blobs = Array.from({ length: count }, (_, index) => ({
      number: index + 1,
      namespace: NAMESPACE,
      digest: parseDigest(
        digestOf(index + 1)
          .toString(16)
          .padStart(64, "0"),
      ),
      sizeBytes: 1,
    }));
  }

  async function stepUntilIdle(): Promise<void> {
    while ((await worker.step(SIGNAL)) === "busy");
  }

  it("fetches everything before the node's own entry, in batches, and moves the position behind each", async () => {
    journal(600);
    await stepUntilIdle();
    expect(fetched).toHaveLength(451);
    expect(catalog.positions).toEqual([200, 400, 451]);
  });

  it("has nothing to do when the position has reached the node's own entry", async () => {
    cluster.setSelf({ joinedAt: 5, backfillPosition: 5 });
    expect(await worker.step(SIGNAL)).toBe("idle");
    expect(catalog.positions).toEqual([]);
  });

  it("begins again when the node joins a second time: it owed nothing for a while", async () => {
    journal(600);
    await stepUntilIdle();
    cluster.setSelf({ state: "draining", joinedAt: 600, backfillPosition: 0 });
    expect(await worker.step(SIGNAL)).toBe("idle");
    cluster.setSelf({ state: "alive" });
    await stepUntilIdle();
    expect(catalog.positions.at(-1)).toBe(600);
    expect(fetched).toHaveLength(600);
  });

  it("does not fall back to a position that it has passed while its own record is still the old one", async () => {
    journal(451);
    await worker.step(SIGNAL);
    await worker.step(SIGNAL);
    expect(catalog.positions).toEqual([200, 400]);
  });

  it("goes on from the recorded position", async () => {
    journal(451);
    cluster.setSelf({ joinedAt: 451, backfillPosition: 450 });
    await stepUntilIdle();
    expect(fetched).toHaveLength(1);
  });

  it("fetches a blob with many names once", async () => {
    journal(451, () => 7);
    await stepUntilIdle();
    expect(fetched).toHaveLength(1);
  });

  it("does not move the position while nobody can be reached", async () => {
    journal(300);
    expect(await worker.step(SIGNAL)).toBe("busy");
    answer = () => "unreachable";
    await expect(worker.step(SIGNAL)).rejects.toThrow("backfill waits");
    expect(catalog.positions).toEqual([200]);
    expect(catalog.debts).toEqual([]);
    answer = () => "fetched";
    await stepUntilIdle();
    expect(catalog.positions).toEqual([200, 451]);
  });

  it("notes a debt for a blob that cannot be had while others can, before it moves on", async () => {
    journal(4);
    const outcomes: Record<number, FetchOutcome> = { 2: "absent", 3: "unreachable" };
    answer = ({ digest }) => outcomes[Number.parseInt(digest, 16)] ?? "fetched";
    let positionsThen: number[] | undefined;
    const addDebt = catalog.addDebt.bind(catalog);
    catalog.addDebt = async (debt) => {
      positionsThen = [...catalog.positions];
      await addDebt(debt);
    };
    await stepUntilIdle();
    const lacking = [catalog.blobs[1]?.digest, catalog.blobs[2]?.digest];
    expect(catalog.debts.map(({ node, digest }) => ({ node, digest }))).toEqual(
      lacking.map((digest) => ({ node: cluster.self, digest })),
    );
    expect(positionsThen).toEqual([]);
    expect(catalog.positions).toEqual([451]);
  });

  it("goes on behind a blob that nobody has any more", async () => {
    journal(1);
    answer = () => "absent";
    await stepUntilIdle();
    expect(catalog.debts).toHaveLength(1);
    expect(catalog.positions).toEqual([451]);
  });

  it("waits while there is nobody to ask", async () => {
    journal(3);
    cluster.setPeers({});
    expect(await worker.step(SIGNAL)).toBe("idle");
    expect(catalog.positions).toEqual([]);
  });

  it("needs nobody when there is nothing to fetch: the first node of a cluster", async () => {
    cluster.setPeers({});
    await stepUntilIdle();
    expect(catalog.positions).toEqual([451]);
  });

  it("fails the step when this node's volumes fail", async () => {
    journal(3);
    answer = () => Promise.reject(new Error("the disk is full"));
    await expect(worker.step(SIGNAL)).rejects.toThrow("the disk is full");
    expect(catalog.positions).toEqual([]);
  });
});
