import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { expect, it } from "vitest";
import type { BlobStore, ByteRange } from "../blob-store.js";
import { SMALL_BLOB_BYTES } from "../verified-bytes.js";
import { codeOf, MIB, NAMESPACE, opened, put, readAll, refOf } from "./test-blobs.js";

/** Parts of blobs. */
export function describeRanges(get: () => BlobStore): void {
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
    const [first] = (await once(stream, "data")) as [Buffer];
    stream.destroy();
    expect(bytes.subarray(0, first.length).equals(first)).toBe(true);
    await finished(stream).catch(() => {});
    expect(stream.closed).toBe(true);
  });
}
