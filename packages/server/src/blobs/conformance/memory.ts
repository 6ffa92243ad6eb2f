import { createHash, randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { BlobStore } from "../blob-store.js";
import { CHUNK_BYTES, MIB, NAMESPACE, opened } from "./test-blobs.js";

/** Garbage is collected every so many bytes, and what then still lives must be far less than what went through. */
const STREAM_BYTES = 200 * MIB;
const LOOK_EVERY_BYTES = 10 * MIB;
const MAX_HELD_BYTES = 24 * MIB;

/** A blob larger than any buffer. */
export function describeMemory(get: () => BlobStore, skipBecause: string | undefined): void {
  const skip = skipBecause === undefined ? "" : ` (skipped: ${skipBecause})`;
  it.skipIf(skip !== "")(`keeps memory constant while 200 MiB go in and out${skip}`, { timeout: 120_000 }, async () => {
    const before = buffersAfterCollection();
    let mostHeldBytes = 0;
    let unseenBytes = 0;
    const passed = (bytes: number) => {
      unseenBytes += bytes;
      if (unseenBytes < LOOK_EVERY_BYTES) return;
      unseenBytes = 0;
      mostHeldBytes = Math.max(mostHeldBytes, buffersAfterCollection() - before);
    };
    const write = await get().create(NAMESPACE);
    const hash = createHash("sha256");
    const seed = randomBytes(CHUNK_BYTES);
    for (let sent = 0; sent < STREAM_BYTES; sent += CHUNK_BYTES) {
      // A chunk of its own each time, so that one that is kept is seen.
      const chunk = Buffer.from(seed);
      chunk.writeUInt32LE(sent, 0);
      hash.update(chunk);
      await write.write(chunk);
      passed(CHUNK_BYTES);
    }
    const { digest } = await write.finish();
    expect(digest).toBe(hash.digest("hex"));
    let got = 0;
    for await (const chunk of (await opened(get(), { namespace: NAMESPACE, digest })).content as Readable) {
      got += (chunk as Buffer).length;
      passed((chunk as Buffer).length);
    }
    expect(got).toBe(STREAM_BYTES);
    expect(mostHeldBytes).toBeLessThan(MAX_HELD_BYTES);
  });
}

/** Bytes that live outside of the heap. V8 frees what a collection found in a thread of its own; the next collection waits for that. */
export function buffersAfterCollection(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}
