import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import type { BlobStore } from "../blob-store.js";
import { SMALL_BLOB_BYTES } from "../verified-bytes.js";
import { asStream, codeOf, NAMESPACE, opened, put, readAll, refOf, type TestedStore } from "./test-blobs.js";

/** Stored bytes that are no longer those of the digest. */
export function describeDamage(get: () => TestedStore): void {
  const found = { code: "blob_corrupt", sawTheEnd: false };
  const sizes = [1, 1000, SMALL_BLOB_BYTES, SMALL_BLOB_BYTES + 1, 5 * SMALL_BLOB_BYTES];
  it.each(sizes)("finds damage in %i bytes that are read whole, before the last of them is out", async (size) => {
    const bytes = randomBytes(size);
    await put(get().store, bytes);
    await get().damage(refOf(NAMESPACE, bytes), flipped(bytes, size - 1));
    expect(await readDamaged(get().store, bytes)).toEqual(found);
    await get().damage(refOf(NAMESPACE, bytes), flipped(bytes, 0));
    expect(await readDamaged(get().store, bytes)).toEqual(found);
  });

  it.each(sizes)("finds that %i bytes have become fewer", async (size) => {
    const bytes = randomBytes(size);
    await put(get().store, bytes);
    await get().damage(refOf(NAMESPACE, bytes), bytes.subarray(0, size - 1));
    expect(await readDamaged(get().store, bytes)).toEqual(found);
  });

  it("replaces damaged bytes when the blob is written again", async () => {
    const bytes = randomBytes(5000);
    await put(get().store, bytes);
    await get().damage(refOf(NAMESPACE, bytes), flipped(bytes, 17));
    await put(get().store, bytes);
    expect((await readAll(await opened(get().store, refOf(NAMESPACE, bytes)))).equals(bytes)).toBe(true);
  });
}

/** What reading says, and whether the last byte came out although something is wrong. */
async function readDamaged(store: BlobStore, bytes: Buffer): Promise<{ code: string; sawTheEnd: boolean }> {
  let got = 0;
  const reading = async () => {
    const blob = await opened(store, refOf(NAMESPACE, bytes));
    for await (const chunk of asStream(blob)) got += chunk.length;
  };
  const code = await codeOf(reading());
  return { code, sawTheEnd: got >= bytes.length };
}

function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}
