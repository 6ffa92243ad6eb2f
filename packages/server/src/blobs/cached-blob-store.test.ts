import { createHash } from "node:crypto";
import { parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { BlobRef, ByteRange, OpenBlob } from "./blob-store.js";
import { describeBlobStoreConformance } from "./blob-store-conformance.js";
import { CachedBlobStore } from "./cached-blob-store.js";
import { MemoryBlobStore } from "./memory/memory-blob-store.js";
import { SMALL_BLOB_BYTES } from "./verified-bytes.js";

describeBlobStoreConformance(
  "CachedBlobStore",
  async () => {
    const store = new MemoryBlobStore();
    return {
      store: new CachedBlobStore(store),
      damage: async (ref, bytes) => store.damage(ref, bytes),
      leftovers: async () => [],
      close: async () => {},
    };
  },
  { holdsBlobsInMemoryBecause: "the store beneath does, and so does the cache" },
);

class CountingStore extends MemoryBlobStore {
  opened = 0;

  override open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    this.opened += 1;
    return super.open(ref, range, signal);
  }
}

describe("CachedBlobStore", () => {
  const namespace = parseNamespaceName("demo");
  let beneath: CountingStore;
  let store: CachedBlobStore;

  beforeEach(() => {
    beneath = new CountingStore();
    store = new CachedBlobStore(beneath, 1000);
  });

  async function put(bytes: Buffer): Promise<BlobRef> {
    const write = await beneath.create(namespace);
    await write.write(bytes);
    await write.finish();
    return { namespace, digest: parseDigest(createHash("sha256").update(bytes).digest("hex")) };
  }

  it("reads a small blob once, and answers ranges of it from memory too", async () => {
    const ref = await put(Buffer.from("a small blob"));
    expect((await store.open(ref))?.content).toEqual(Buffer.from("a small blob"));
    expect((await store.open(ref))?.content).toEqual(Buffer.from("a small blob"));
    expect((await store.open(ref, { start: 2, end: 7 }))?.content).toEqual(Buffer.from("small"));
    expect(beneath.opened).toBe(1);
  });

  it("never keeps bytes that were read as a range: nothing proved them", async () => {
    const ref = await put(Buffer.from("a small blob"));
    await store.open(ref, { start: 0, end: 12 });
    await store.open(ref);
    expect(beneath.opened).toBe(2);
  });

  it("forgets what was not asked for longest when it is full", async () => {
    const [first, second, third] = [
      await put(Buffer.alloc(400, 1)),
      await put(Buffer.alloc(400, 2)),
      await put(Buffer.alloc(400, 3)),
    ];
    for (const ref of [first, second, first, third, first]) await store.open(ref);
    expect(beneath.opened).toBe(3);
    await store.open(second);
    expect(beneath.opened).toBe(4);
  });

  it("keeps no large blob and no absence", async () => {
    const large = await put(Buffer.alloc(SMALL_BLOB_BYTES + 1));
    const absent = { namespace, digest: parseDigest("0".repeat(64)) };
    for (const ref of [large, large]) {
      const content = (await store.open(ref))?.content;
      if (content !== undefined && !Buffer.isBuffer(content)) content.destroy();
    }
    for (const ref of [absent, absent]) expect(await store.open(ref)).toBeUndefined();
    expect(beneath.opened).toBe(4);
  });
});
