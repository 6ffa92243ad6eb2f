import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { KoboldError, parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { BlobRef, BlobStore, ByteRange, OpenBlob } from "../blobs/blob-store.js";
import { MemoryBlobStore } from "../blobs/memory/memory-blob-store.js";
import { StaticCluster } from "../cluster/static-cluster.js";
import { silentLogger } from "../runtime/logger.js";
import { systemClock } from "../runtime/clock.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { BlobFetcher } from "./blob-fetcher.js";
import type { WantedBlob } from "./blob-transfer.js";
import { PeerBudget } from "./peer-budget.js";

const NAMESPACE = parseNamespaceName("demo");
const PIECE_BYTES = 1000;
const SIGNAL = new AbortController().signal;

function blobOf(bytes: Uint8Array): WantedBlob {
  const digest = parseDigest(createHash("sha256").update(bytes).digest("hex"));
  return { namespace: NAMESPACE, digest, sizeBytes: bytes.length };
}

function bytesOf(sizeBytes: number): Buffer {
  return Buffer.from(Array.from({ length: sizeBytes }, (_, index) => (index * 31) % 251));
}

async function put(store: BlobStore, bytes: Uint8Array): Promise<void> {
  const write = await store.create(NAMESPACE);
  await write.write(bytes);
  await write.finish();
}

async function contentOf(store: BlobStore, blob: BlobRef): Promise<Buffer | undefined> {
  const content = (await store.open(blob))?.content;
  return content === undefined || Buffer.isBuffer(content) ? content : Buffer.concat(await content.toArray());
}

/** A peer's store that notes what it was asked for and can be made to fail. */
class PeerStore extends MemoryBlobStore {
  readonly asked: (ByteRange | undefined)[] = [];
  /** Told before each answer; what it throws is the answer. It may answer otherwise. */
  instead: (range?: ByteRange) => OpenBlob | undefined = () => undefined;

  override async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    this.asked.push(range);
    return this.instead(range) ?? super.open(ref, range, signal);
  }
}

describe("BlobFetcher", () => {
  let local: MemoryBlobStore;
  let first: PeerStore;
  let second: PeerStore;
  let cluster: StaticCluster;
  let fetcher: BlobFetcher;

  beforeEach(() => {
    local = new MemoryBlobStore();
    [first, second] = [new PeerStore(), new PeerStore()];
    cluster = new StaticCluster({ peers: { first, second } });
    fetcher = new BlobFetcher({ local, cluster, clock: systemClock, log: silentLogger, pieceBytes: PIECE_BYTES });
  });

  it("asks nobody for a blob that is here and good", async () => {
    const bytes = bytesOf(10);
    await put(local, bytes);
    expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("here");
    expect(first.asked).toEqual([]);
  });

  it("replaces a blob that is here and bad", async () => {
    const bytes = bytesOf(10);
    local.damage(blobOf(bytes), Buffer.alloc(10));
    await put(first, bytes);
    expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("fetched");
    expect(await contentOf(local, blobOf(bytes))).toEqual(bytes);
  });

  it("fetches an empty blob", async () => {
    await put(first, Buffer.alloc(0));
    expect(await fetcher.fetch(blobOf(Buffer.alloc(0)), SIGNAL)).toBe("fetched");
    expect(await local.stat(blobOf(Buffer.alloc(0)))).toEqual({ sizeBytes: 0 });
  });

  it("asks the next peer when one does not have the blob", async () => {
    const bytes = bytesOf(10);
    await put(second, bytes);
    expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("fetched");
    expect(first.asked).toEqual([{ start: 0, end: 10 }]);
    expect(cluster.failures).toEqual([]);
  });

  it("fetches a long blob in pieces", async () => {
    const bytes = bytesOf(2 * PIECE_BYTES + 5);
    await put(first, bytes);
    expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("fetched");
    expect(first.asked).toEqual([
      { start: 0, end: 1000 },
      { start: 1000, end: 2000 },
      { start: 2000, end: 2005 },
    ]);
    expect(await contentOf(local, blobOf(bytes))).toEqual(bytes);
  });

  it("goes on at the same offset from another peer when one fails in the midst of a piece", async () => {
    const bytes = bytesOf(3 * PIECE_BYTES);
    await put(first, bytes);
    await put(second, bytes);
    first.instead = (range) =>
      range?.start === 1000 ? brokenAfter(bytes.subarray(1000, 1400), bytes.length) : undefined;
    expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("fetched");
    expect(second.asked[0]).toEqual({ start: 1400, end: 2400 });
    expect(await contentOf(local, blobOf(bytes))).toEqual(bytes);
    expect(cluster.failures).toEqual(["first"]);
  });

  it("goes on at the same offset from the same peer when nobody else has the blob", async () => {
    const bytes = bytesOf(2 * PIECE_BYTES);
    await put(first, bytes);
    let failures = 0;
    first.instead = (range) => {
      if (range?.start === 1000 && failures++ < 2) throw new KoboldError("peer_failed", "planted");
      return undefined;
    };
    expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("fetched");
    expect(first.asked.filter((range) => range?.start === 0)).toHaveLength(1);
  });

  it("goes on when the only node that has the blob was away and comes back at another address", async () => {
    const clock = new SimulatedClock();
    const patient = new BlobFetcher({ local, cluster, clock, log: silentLogger, pieceBytes: PIECE_BYTES });
    const bytes = bytesOf(2 * PIECE_BYTES);
    await put(first, bytes);
    first.instead = (range) => {
      if (range?.start === 1000) throw new KoboldError("peer_failed", "planted");
      return undefined;
    };
    const outcome = patient.fetch(blobOf(bytes), SIGNAL);
    await clock.advance(5_000);
    const moved = new PeerStore();
    await put(moved, bytes);
    cluster.setPeers({ first: moved });
    await clock.advance(5_000);
    expect(await outcome).toBe("fetched");
    expect(moved.asked).toEqual([{ start: 1000, end: 2000 }]);
  });

  it("gives a half transferred blob up when nobody has had one byte more for a while", async () => {
    const clock = new SimulatedClock();
    const patient = new BlobFetcher({ local, cluster, clock, log: silentLogger, pieceBytes: PIECE_BYTES });
    const bytes = bytesOf(2 * PIECE_BYTES);
    await put(first, bytes);
    first.instead = (range) => {
      if (range?.start === 1000) throw new KoboldError("peer_failed", "planted");
      return undefined;
    };
    const outcome = patient.fetch(blobOf(bytes), SIGNAL);
    await clock.advance(31_000);
    expect(await outcome).toBe("unreachable");
    expect(await local.stat(blobOf(bytes))).toBeUndefined();
  });

  it("takes from a peer no faster than its budget, and does not ask one that keeps failing", async () => {
    const clock = new SimulatedClock();
    const budget = new PeerBudget({ clock, lanes: 1, bytesPerSecond: PIECE_BYTES });
    const slow = new BlobFetcher({ local, cluster, clock, log: silentLogger, pieceBytes: PIECE_BYTES, budget });
    const bytes = bytesOf(5 * PIECE_BYTES);
    await put(first, bytes);
    second.instead = () => {
      throw new KoboldError("peer_failed", "planted");
    };
    const outcome = slow.fetch(blobOf(bytes), SIGNAL);
    await clock.advance(3_000);
    expect(first.asked.length).toBeLessThan(5);
    await clock.advance(3_000);
    expect(await outcome).toBe("fetched");
    cluster.setPeers({ second });
    const other = blobOf(bytesOf(7));
    expect(await slow.fetch(other, SIGNAL)).toBe("unreachable");
    expect(await slow.fetch(other, SIGNAL)).toBe("unreachable");
    expect(second.asked).toHaveLength(1);
    await clock.advance(300);
    expect(await slow.fetch(other, SIGNAL)).toBe("unreachable");
    expect(second.asked).toHaveLength(2);
  });

  it("does not ask a peer that failed while others waited for it", async () => {
    const budget = new PeerBudget({ clock: systemClock, lanes: 1, bytesPerSecond: 1e9 });
    cluster.setPeers({ first });
    fetcher = new BlobFetcher({ local, cluster, clock: systemClock, log: silentLogger, budget });
    first.instead = () => {
      throw new KoboldError("peer_failed", "planted");
    };
    const fetches = [10, 20, 30].map((size) => fetcher.fetch(blobOf(bytesOf(size)), SIGNAL));
    expect(await Promise.all(fetches)).toEqual(["unreachable", "unreachable", "unreachable"]);
    expect(first.asked).toHaveLength(1);
  });

  it("takes less at a time from a peer that says that it serves clients", async () => {
    const senders: [string, number][] = [];
    const budget = new PeerBudget({ clock: systemClock, lanes: 4, bytesPerSecond: 1e9 });
    vi.spyOn(budget, "sawSender").mockImplementation((peer, serves) => void senders.push([peer, serves]));
    fetcher = new BlobFetcher({ local, cluster, clock: systemClock, log: silentLogger, budget });
    const [busy, quiet] = [bytesOf(10), bytesOf(20)];
    await put(first, quiet);
    first.instead = (range) => (range?.end === 10 ? { sizeBytes: 10, content: busy, senderServes: 7 } : undefined);
    for (const bytes of [busy, quiet]) expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("fetched");
    const [peer] = cluster.readingPeers();
    expect(senders).toEqual([
      [peer?.node.id, 7],
      [peer?.node.id, 0],
    ]);
  });

  it("says absent when nobody has the blob, and leaves nothing behind", async () => {
    expect(await fetcher.fetch(blobOf(bytesOf(10)), SIGNAL)).toBe("absent");
    expect(await local.stat(blobOf(bytesOf(10)))).toBeUndefined();
  });

  it("takes good bytes from another peer when those of the first are bad, or too few, and calls none failed", async () => {
    for (const bad of [Buffer.alloc(10), Buffer.alloc(4)]) {
      const blob = blobOf(bytesOf(10));
      local.remove(blob);
      first.damage(blob, bad);
      await put(second, bytesOf(10));
      expect(await fetcher.fetch(blob, SIGNAL)).toBe("fetched");
      expect(await contentOf(local, blob)).toEqual(bytesOf(10));
    }
    expect(cluster.failures).toEqual([]);
  });

  it("says absent when the only copy is bad, and does not call the peer failed", async () => {
    const blob = blobOf(bytesOf(10));
    first.damage(blob, Buffer.alloc(10));
    expect(await fetcher.fetch(blob, SIGNAL)).toBe("absent");
    const long = blobOf(bytesOf(1500));
    first.damage(long, Buffer.alloc(1500));
    expect(await fetcher.fetch(long, SIGNAL)).toBe("absent");
    expect(await local.stat(long)).toBeUndefined();
    expect(cluster.failures).toEqual([]);
  });

  it("says unreachable when a peer that may have the blob fails, or when there is none", async () => {
    first.instead = () => {
      throw new KoboldError("peer_failed", "planted");
    };
    expect(await fetcher.fetch(blobOf(bytesOf(10)), SIGNAL)).toBe("unreachable");
    cluster.setPeers({});
    expect(await fetcher.fetch(blobOf(bytesOf(10)), SIGNAL)).toBe("unreachable");
  });

  it("asks each peer for all bytes when those of several do not make the blob", async () => {
    const bytes = bytesOf(2 * PIECE_BYTES);
    first.damage(blobOf(bytes), Buffer.alloc(2 * PIECE_BYTES));
    await put(second, bytes);
    let failed = false;
    first.instead = (range) => {
      if (range?.start !== 1000 || failed) return undefined;
      failed = true;
      throw new KoboldError("peer_failed", "planted");
    };
    expect(await fetcher.fetch(blobOf(bytes), SIGNAL)).toBe("fetched");
    expect(await contentOf(local, blobOf(bytes))).toEqual(bytes);
  });

  it("does not take more bytes than the blob has", async () => {
    const blob = blobOf(bytesOf(10));
    first.instead = () => ({ sizeBytes: 10, content: bytesOf(11) });
    expect(await fetcher.fetch(blob, SIGNAL)).toBe("absent");
  });

  it("fetches what a failed disk of this node cannot tell about, as long as another one takes it", async () => {
    const blob = blobOf(bytesOf(300));
    await put(first, bytesOf(300));
    vi.spyOn(local, "stat").mockRejectedValue(new KoboldError("disk_failed", "EIO"));
    expect(await fetcher.fetch(blob, SIGNAL)).toBe("fetched");
    expect(await contentOf(local, blob)).toEqual(bytesOf(300));
  });

  it("rejects when the own volume fails, and blames no peer", async () => {
    const bytes = bytesOf(10);
    await put(first, bytes);
    local.create = async () => {
      throw new KoboldError("disk_full", "planted");
    };
    await expect(fetcher.fetch(blobOf(bytes), SIGNAL)).rejects.toThrow("planted");
    expect(cluster.failures).toEqual([]);
  });

  it("ends when the signal fires, and leaves nothing behind", async () => {
    const bytes = bytesOf(10);
    const stopping = new AbortController();
    await put(first, bytes);
    first.instead = () => {
      stopping.abort(new Error("stopped"));
      return undefined;
    };
    await expect(fetcher.fetch(blobOf(bytes), stopping.signal)).rejects.toThrow("stopped");
    expect(await local.stat(blobOf(bytes))).toBeUndefined();
    expect(cluster.failures).toEqual([]);
  });
});

function brokenAfter(bytes: Buffer, sizeBytes: number): OpenBlob {
  async function* chunks() {
    yield bytes;
    throw new KoboldError("peer_failed", "planted");
  }
  return { sizeBytes, content: Readable.from(chunks()) };
}
