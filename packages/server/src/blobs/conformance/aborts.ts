import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import {
  chunksOf,
  MIB,
  NAMESPACE,
  opened,
  put,
  readAll,
  refOf,
  type TestedStore,
  whatIsLeft,
  writeChunks,
} from "./test-blobs.js";

/** Writes that nobody wants any more, at each stage. */
export function describeAborts(get: () => TestedStore): void {
  const bytes = randomBytes(3 * MIB);
  const ref = refOf(NAMESPACE, bytes);
  const left = () => whatIsLeft(get(), ref);

  it("forgets a write that is aborted before its first byte", async () => {
    const write = await get().store.create(NAMESPACE);
    await write.abort();
    await write.abort();
    expect(await left()).toEqual([]);
  });

  it("forgets a write that is aborted after all of its bytes", async () => {
    const write = await get().store.create(NAMESPACE);
    await writeChunks(write, chunksOf(bytes));
    await write.abort();
    await expect(write.finish()).rejects.toThrow("aborted");
    expect(await left()).toEqual([]);
  });

  it("forgets a write that is aborted while it takes bytes", async () => {
    const write = await get().store.create(NAMESPACE);
    const writing = write.write(bytes);
    await write.abort();
    await writing.catch(() => {});
    await expect(write.write(bytes)).rejects.toThrow("aborted");
    expect(await left()).toEqual([]);
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
    expect(await left()).toEqual([]);
  });

  it("forgets a write whose signal fires between two chunks", async () => {
    const control = new AbortController();
    const write = await get().store.create(NAMESPACE, {}, control.signal);
    await write.write(bytes);
    control.abort(new Error("not wanted"));
    await expect(write.write(bytes)).rejects.toThrow("not wanted");
    await write.abort();
    expect(await left()).toEqual([]);
  });

  it("forgets a write whose signal fires while it takes bytes", async () => {
    const control = new AbortController();
    const write = await get().store.create(NAMESPACE, {}, control.signal);
    const writing = write.write(bytes);
    control.abort(new Error("not wanted"));
    await expect(writing).rejects.toThrow("not wanted");
    await write.abort();
    expect(await left()).toEqual([]);
  });

  it("finishes entirely or not at all when the signal fires meanwhile", async () => {
    const control = new AbortController();
    const write = await get().store.create(NAMESPACE, {}, control.signal);
    await writeChunks(write, chunksOf(bytes));
    const finishing = write.finish();
    control.abort(new Error("not wanted"));
    const placed = await finishing.catch(() => undefined);
    expect([undefined, { digest: ref.digest, sizeBytes: bytes.length }]).toContainEqual(placed);
    expect(await left()).toEqual(placed === undefined ? [] : ["the blob itself"]);
  });

  it("takes a blob again after its first write was aborted", async () => {
    const write = await get().store.create(NAMESPACE);
    await write.write(bytes);
    await write.abort();
    await put(get().store, bytes);
    expect((await readAll(await opened(get().store, ref))).equals(bytes)).toBe(true);
  });
}
