import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Digest, type ErrorCode, KoboldError, type NamespaceName, parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BlobRef, BlobStore, BlobWrite, BlobWriteOptions, ByteRange, OpenBlob } from "./blob-store.js";
import { SMALL_BLOB_BYTES } from "./verified-bytes.js";

/** A store under test, and what only its maker can do with it. */
export interface TestedStore {
  readonly store: BlobStore;
  /** Puts other bytes under the digest, as a failing disk would. */
  damage(ref: BlobRef, bytes: Uint8Array): Promise<void>;
  /** Names of what uploads that did not finish left behind. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

export interface ConformanceOptions {
  /** Why the store may hold whole blobs in memory; such a store is not tested for using little of it. */
  readonly holdsBlobsInMemoryBecause?: string;
}

/** What every blob store promises. Each implementation runs this beside its own tests. */
export function describeBlobStoreConformance(
  name: string,
  makeStore: () => Promise<TestedStore>,
  options: ConformanceOptions = {},
): void {
  describe(`${name} as a blob store`, () => {
    let tested: TestedStore;
    let store: BlobStore;
    beforeEach(async () => {
      tested = await makeStore();
      store = tested.store;
    });
    afterEach(() => tested.close());
    const get = () => tested;
    describeRoundTrips(() => store);
    describeRanges(() => store);
    describeAnnouncements(get);
    describeAborts(get);
    describeDamage(get);
    const { holdsBlobsInMemoryBecause: why } = options;
    if (why === undefined) describeMemory(() => store);
    else it.skip(`keeps memory constant (skipped: ${why})`, () => {});
  });
}

const NAMESPACE = parseNamespaceName("photos");
const OTHER_NAMESPACE = parseNamespaceName("photos.old");
const KIB = 1024;
const MIB = 1024 * KIB;
/** What the network gives us at once. */
const CHUNK_BYTES = 64 * KIB;

/** Around every bound that an implementation may have: nothing, one, a chunk, a small blob, several read chunks. */
const SIZES = [0, 1, CHUNK_BYTES, SMALL_BLOB_BYTES, 2 * SMALL_BLOB_BYTES].flatMap((size) =>
  size < 2 ? [size] : [size - 1, size, size + 1],
);

function describeRoundTrips(get: () => BlobStore): void {
  it("says that a blob it does not have is missing, as a value", async () => {
    const ref = refOf(NAMESPACE, randomBytes(10));
    expect(await get().open(ref)).toBeUndefined();
    expect(await get().open(ref, { start: 0, end: 1 })).toBeUndefined();
    expect(await get().stat(ref)).toBeUndefined();
  });

  it.each(SIZES)("gives back %i bytes as they were written", async (size) => {
    const bytes = randomBytes(size);
    const ref = refOf(NAMESPACE, bytes);
    expect(await put(get(), bytes)).toEqual({ digest: ref.digest, sizeBytes: size });
    expect(await get().stat(ref)).toEqual({ sizeBytes: size });
    const blob = await opened(get(), ref);
    expect(blob.sizeBytes).toBe(size);
    expect((await readAll(blob)).equals(bytes)).toBe(true);
    expect(Buffer.isBuffer(blob.content)).toBe(size <= SMALL_BLOB_BYTES);
  });

  it("gives back what was written in one large chunk, in single bytes and with empty chunks between", async () => {
    const large = randomBytes(3 * MIB + 1);
    const small = randomBytes(300);
    await putChunks(get(), [large]);
    await putChunks(get(), [Buffer.alloc(0), ...Array.from(small, (byte) => Buffer.of(byte)), Buffer.alloc(0)]);
    for (const bytes of [large, small]) {
      expect((await readAll(await opened(get(), refOf(NAMESPACE, bytes)))).equals(bytes)).toBe(true);
    }
  });

  it("takes the same bytes again and keeps one blob", async () => {
    const bytes = randomBytes(1000);
    const first = await put(get(), bytes);
    expect(await put(get(), bytes)).toEqual(first);
    expect((await readAll(await opened(get(), refOf(NAMESPACE, bytes)))).equals(bytes)).toBe(true);
  });

  it("takes the same bytes many times at once", async () => {
    const bytes = randomBytes(100_000);
    const placed = await Promise.all(Array.from({ length: 12 }, () => put(get(), bytes)));
    expect(new Set(placed.map((one) => one.digest))).toEqual(new Set([refOf(NAMESPACE, bytes).digest]));
    expect((await readAll(await opened(get(), refOf(NAMESPACE, bytes)))).equals(bytes)).toBe(true);
  });

  it("shows nothing of a namespace in another one", async () => {
    const bytes = randomBytes(100);
    await put(get(), bytes);
    expect(await get().open(refOf(OTHER_NAMESPACE, bytes))).toBeUndefined();
    expect(await get().stat(refOf(OTHER_NAMESPACE, bytes))).toBeUndefined();
  });

  it.each(["../escape", "a/b", ""])("does not let the namespace %j out of its place", async (text) => {
    const namespace = text as NamespaceName;
    const ref = { namespace, digest: refOf(NAMESPACE, randomBytes(1)).digest };
    await expect((async () => get().open(ref))()).rejects.toThrow();
    await expect(putChunks(get(), [randomBytes(1)], { namespace })).rejects.toThrow();
  });

  it("does not let what is no digest out of its place", async () => {
    const ref = { namespace: NAMESPACE, digest: "../../../../etc/passwd" as Digest };
    await expect((async () => get().open(ref))()).rejects.toThrow();
    await expect((async () => get().stat(ref))()).rejects.toThrow();
  });
}

function describeRanges(get: () => BlobStore): void {
  const size = 2 * SMALL_BLOB_BYTES + 10;
  const inside: [string, ByteRange][] = [
    ["the first byte", { start: 0, end: 1 }],
    ["the last byte", { start: size - 1, end: size }],
    ["a few in the middle", { start: 1000, end: 1010 }],
    ["all but the first", { start: 1, end: size }],
    ["all", { start: 0, end: size }],
  ];
  it.each(inside)("gives a range: %s", async (_name, range) => {
    const bytes = randomBytes(size);
    await put(get(), bytes);
    const blob = await opened(get(), refOf(NAMESPACE, bytes), range);
    expect(blob.sizeBytes).toBe(size);
    expect((await readAll(blob)).equals(bytes.subarray(range.start, range.end))).toBe(true);
  });

  const outside: [string, ByteRange][] = [
    ["that ends behind the blob", { start: 0, end: 101 }],
    ["that begins behind the blob", { start: 100, end: 101 }],
    ["that is empty", { start: 5, end: 5 }],
    ["that is negative", { start: -1, end: 5 }],
    ["that runs backwards", { start: 7, end: 5 }],
  ];
  it.each(outside)("refuses a range %s", async (_name, range) => {
    const bytes = randomBytes(100);
    await put(get(), bytes);
    expect(await codeOf(get().open(refOf(NAMESPACE, bytes), range))).toBe("range_not_satisfiable");
  });

  it("lets a reader stop in the middle", async () => {
    const bytes = randomBytes(4 * MIB);
    await put(get(), bytes);
    const blob = await opened(get(), refOf(NAMESPACE, bytes));
    const stream = blob.content as Readable;
    for await (const _chunk of stream) break;
    expect(stream.destroyed).toBe(true);
  });
}

function describeAnnouncements(get: () => TestedStore): void {
  const bytes = randomBytes(150_000);
  const ref = refOf(NAMESPACE, bytes);
  const refusals: [string, BlobWriteOptions, ErrorCode][] = [
    ["fewer bytes than announced", { sizeBytes: bytes.length + 1 }, "body_too_short"],
    ["more bytes than announced", { sizeBytes: bytes.length - 1 }, "body_too_long"],
    ["bytes where none were announced", { sizeBytes: 0 }, "body_too_long"],
    ["other bytes than announced", { digest: refOf(NAMESPACE, randomBytes(5)).digest }, "digest_mismatch"],
  ];
  it.each(refusals)("refuses %s, and nothing is left", async (_name, announced, code) => {
    expect(await codeOf(put(get().store, bytes, announced))).toBe(code);
    await expectNothingLeft(get());
    expect(await get().store.stat(ref)).toBeUndefined();
  });

  it("keeps the blob that is there when an announcement for the same bytes is broken", async () => {
    await put(get().store, bytes);
    expect(await codeOf(put(get().store, bytes, { sizeBytes: bytes.length + 1 }))).toBe("body_too_short");
    expect((await readAll(await opened(get().store, ref))).equals(bytes)).toBe(true);
  });

  it("takes bytes that are what was announced", async () => {
    const placed = await put(get().store, bytes, { sizeBytes: bytes.length, digest: ref.digest });
    expect(placed).toEqual({ digest: ref.digest, sizeBytes: bytes.length });
  });
}

function describeAborts(get: () => TestedStore): void {
  const bytes = randomBytes(3 * MIB);
  const ref = refOf(NAMESPACE, bytes);
  const expectGone = async () => {
    await expectNothingLeft(get());
    expect(await get().store.stat(ref)).toBeUndefined();
  };

  it("forgets a write that is aborted before its first byte", async () => {
    const write = await get().store.create(NAMESPACE);
    await write.abort();
    await write.abort();
    await expectGone();
  });

  it("forgets a write that is aborted after all of its bytes", async () => {
    const write = await get().store.create(NAMESPACE);
    await writeChunks(write, chunksOf(bytes));
    await write.abort();
    await expect(write.finish()).rejects.toThrow();
    await expectGone();
  });

  it("forgets a write that is aborted while it takes bytes", async () => {
    const write = await get().store.create(NAMESPACE);
    const writing = write.write(bytes);
    await write.abort();
    await writing.catch(() => {});
    await expect(write.write(bytes)).rejects.toThrow();
    await expectGone();
  });

  it("does nothing when a finished write is aborted", async () => {
    const write = await get().store.create(NAMESPACE);
    await writeChunks(write, chunksOf(bytes));
    await write.finish();
    await write.abort();
    expect((await readAll(await opened(get().store, ref))).equals(bytes)).toBe(true);
  });

  it("refuses to begin when the signal has fired already", async () => {
    const signal = AbortSignal.abort(new Error("not wanted"));
    await expect(get().store.create(NAMESPACE, {}, signal)).rejects.toThrow("not wanted");
    await expect(get().store.open(ref, undefined, signal)).rejects.toThrow("not wanted");
    await expect(get().store.stat(ref, signal)).rejects.toThrow("not wanted");
    await expectGone();
  });

  it("forgets a write whose signal fires between two chunks", async () => {
    const control = new AbortController();
    const write = await get().store.create(NAMESPACE, {}, control.signal);
    await write.write(bytes);
    control.abort(new Error("not wanted"));
    await expect(write.write(bytes)).rejects.toThrow("not wanted");
    await write.abort();
    await expectGone();
  });

  it("forgets a write whose signal fires while it takes bytes", async () => {
    const control = new AbortController();
    const write = await get().store.create(NAMESPACE, {}, control.signal);
    const writing = write.write(bytes);
    control.abort(new Error("not wanted"));
    await expect(writing).rejects.toThrow("not wanted");
    await write.abort();
    await expectGone();
  });

  it("finishes entirely or not at all when the signal fires meanwhile", async () => {
    const control = new AbortController();
    const write = await get().store.create(NAMESPACE, {}, control.signal);
    await writeChunks(write, chunksOf(bytes));
    const finishing = write.finish();
    control.abort(new Error("not wanted"));
    const isPlaced = await finishing.then(
      () => true,
      () => false,
    );
    await expectNothingLeft(get());
    if (isPlaced) expect((await readAll(await opened(get().store, ref))).equals(bytes)).toBe(true);
  });

  it("takes a blob again after its first write was aborted", async () => {
    const write = await get().store.create(NAMESPACE);
    await write.write(bytes);
    await write.abort();
    await put(get().store, bytes);
    expect((await readAll(await opened(get().store, ref))).equals(bytes)).toBe(true);
  });
}

function describeDamage(get: () => TestedStore): void {
  const sizes = [1, 1000, SMALL_BLOB_BYTES, SMALL_BLOB_BYTES + 1, 5 * SMALL_BLOB_BYTES];
  it.each(sizes)("finds damage in %i bytes that are read whole, before the last of them is out", async (size) => {
    const bytes = randomBytes(size);
    await put(get().store, bytes);
    await get().damage(refOf(NAMESPACE, bytes), flipped(bytes, size - 1));
    await expectCorrupt(get().store, bytes);
    await get().damage(refOf(NAMESPACE, bytes), flipped(bytes, 0));
    await expectCorrupt(get().store, bytes);
  });

  it.each(sizes)("finds that %i bytes have become fewer", async (size) => {
    const bytes = randomBytes(size);
    await put(get().store, bytes);
    await get().damage(refOf(NAMESPACE, bytes), bytes.subarray(0, size - 1));
    await expectCorrupt(get().store, bytes);
  });

  it("replaces damaged bytes when the blob is written again", async () => {
    const bytes = randomBytes(5000);
    await put(get().store, bytes);
    await get().damage(refOf(NAMESPACE, bytes), flipped(bytes, 17));
    await put(get().store, bytes);
    expect((await readAll(await opened(get().store, refOf(NAMESPACE, bytes)))).equals(bytes)).toBe(true);
  });
}

/** Garbage is collected every so many bytes, and what then still lives must be far less than what went through. */
const STREAM_BYTES = 200 * MIB;
const LOOK_EVERY_BYTES = 10 * MIB;
const MAX_HELD_BYTES = 24 * MIB;

function describeMemory(get: () => BlobStore): void {
  it("keeps memory constant while 200 MiB go in and out", { timeout: 120_000 }, async () => {
    const watch = new MemoryWatch();
    const write = await get().create(NAMESPACE);
    const hash = createHash("sha256");
    const seed = randomBytes(CHUNK_BYTES);
    for (let sent = 0; sent < STREAM_BYTES; sent += CHUNK_BYTES) {
      // A chunk of its own each time, so that one that is kept is seen.
      const chunk = Buffer.from(seed);
      chunk.writeUInt32LE(sent, 0);
      hash.update(chunk);
      await write.write(chunk);
      watch.passed(CHUNK_BYTES);
    }
    const { digest } = await write.finish();
    expect(digest).toBe(hash.digest("hex"));
    let got = 0;
    for await (const chunk of (await opened(get(), { namespace: NAMESPACE, digest })).content as Readable) {
      got += (chunk as Buffer).length;
      watch.passed((chunk as Buffer).length);
    }
    expect(got).toBe(STREAM_BYTES);
  });
}

class MemoryWatch {
  readonly #collect = exposeGc();
  readonly #before: number;
  #unseen = 0;

  constructor() {
    this.#collect();
    this.#before = process.memoryUsage().arrayBuffers;
  }

  passed(bytes: number): void {
    this.#unseen += bytes;
    if (this.#unseen < LOOK_EVERY_BYTES) return;
    this.#unseen = 0;
    this.#collect();
    expect(process.memoryUsage().arrayBuffers - this.#before).toBeLessThan(MAX_HELD_BYTES);
  }
}

function exposeGc(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

async function expectCorrupt(store: BlobStore, bytes: Buffer): Promise<void> {
  let got = 0;
  const reading = async () => {
    const blob = await opened(store, refOf(NAMESPACE, bytes));
    for await (const chunk of asStream(blob)) got += chunk.length;
  };
  expect(await codeOf(reading())).toBe("blob_corrupt");
  expect(got).toBeLessThan(bytes.length);
}

/** Polled: a peer learns of a cut connection a moment after it was cut. */
async function expectNothingLeft(tested: TestedStore): Promise<void> {
  await vi.waitFor(async () => expect(await tested.leftovers()).toEqual([]), { timeout: 5000, interval: 5 });
}

export function refOf(namespace: NamespaceName, bytes: Uint8Array): BlobRef {
  return { namespace, digest: createHash("sha256").update(bytes).digest("hex") as Digest };
}

async function put(store: BlobStore, bytes: Buffer, announced?: BlobWriteOptions): ReturnType<BlobWrite["finish"]> {
  return putChunks(store, chunksOf(bytes), announced === undefined ? {} : { announced });
}

async function putChunks(
  store: BlobStore,
  chunks: readonly Uint8Array[],
  options: { namespace?: NamespaceName; announced?: BlobWriteOptions } = {},
): ReturnType<BlobWrite["finish"]> {
  const write = await store.create(options.namespace ?? NAMESPACE, options.announced);
  try {
    await writeChunks(write, chunks);
    return await write.finish();
  } catch (error) {
    await write.abort();
    throw error;
  }
}

async function writeChunks(write: BlobWrite, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) await write.write(chunk);
}

function chunksOf(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
}

async function opened(store: BlobStore, ref: BlobRef, range?: ByteRange): Promise<OpenBlob> {
  const blob = await store.open(ref, range);
  if (blob === undefined) throw new Error("the blob is missing");
  return blob;
}

function asStream(blob: OpenBlob): AsyncIterable<Buffer> {
  return Buffer.isBuffer(blob.content) ? Readable.from([blob.content]) : blob.content;
}

async function readAll(blob: OpenBlob): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of asStream(blob)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function codeOf(running: Promise<unknown>): Promise<ErrorCode | string> {
  try {
    await running;
    return "no error";
  } catch (error) {
    return error instanceof KoboldError ? error.code : String(error);
  }
}

function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}
