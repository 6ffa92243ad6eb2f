import { randomBytes } from "node:crypto";
import type { Digest, NamespaceName } from "@koboldfs/protocol";
import { expect, it } from "vitest";
import type { BlobStore } from "../blob-store.js";
import { SMALL_BLOB_BYTES } from "../verified-bytes.js";
import {
  CHUNK_BYTES,
  codeOf,
  MIB,
  NAMESPACE,
  opened,
  OTHER_NAMESPACE,
  put,
  putChunks,
  readAll,
  refOf,
} from "./test-blobs.js";

/** Around every bound that an implementation may have: nothing, one, a chunk, a small blob, several read chunks. */
const SIZES = [0, 1, CHUNK_BYTES, SMALL_BLOB_BYTES, 2 * SMALL_BLOB_BYTES].flatMap((size) =>
  size < 2 ? [size] : [size - 1, size, size + 1],
);

/** What goes in comes out, and nothing else. */
export function describeRoundTrips(get: () => BlobStore): void {
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
    expect(await codeOf(get().open(ref))).toBe("invalid_namespace");
    expect(await codeOf(get().stat(ref))).toBe("invalid_namespace");
    expect(await codeOf(putChunks(get(), [randomBytes(1)], { namespace }))).toBe("invalid_namespace");
  });

  it("does not let what is no digest out of its place", async () => {
    const ref = { namespace: NAMESPACE, digest: "../../../../etc/passwd" as Digest };
    expect(await codeOf(get().open(ref))).toBe("invalid_digest");
    expect(await codeOf(get().stat(ref))).toBe("invalid_digest");
  });
}
