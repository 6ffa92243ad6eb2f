import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type FileKey, KoboldError } from "@koboldfs/protocol";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ByteRange } from "../blobs/blob-store.js";
import type { FileRecord } from "../model/change.js";
import { SimulatedClock } from "../runtime/simulated-clock.js";
import { hang } from "./faulty-blob-store.js";
import { FileService } from "./file-service.js";
import { DEMO, openTestFiles, type TestFiles } from "./test-files.js";

const BYTES = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 31) % 251));
const KEY = "key" as FileKey;
const coded = (code: string) => expect.objectContaining({ code });
const diskError = new KoboldError("disk_failed", "a fault of the test");
const peerError = new KoboldError("peer_failed", "a fault of the test");

let test: TestFiles;
let file: FileRecord;
beforeAll(async () => {
  test = await openTestFiles({ peers: ["anna", "bert"], ackCopies: 3 });
});
beforeEach(async () => {
  async function* body(): AsyncGenerator<Uint8Array> {
    // Every test has a blob of its own, since what is missing is reported once.
    yield Buffer.concat([BYTES, Buffer.from(expect.getState().currentTestName ?? "")]).subarray(0);
  }
  await test.files.put({ namespace: DEMO, key: KEY, body: body(), contentType: "text/plain", metadata: {} });
  file = await test.files.getFile(DEMO, KEY);
});
afterEach(() => {
  for (const store of Object.values(test.stores)) store.heal();
});
afterAll(() => test.close());

async function read(range?: ByteRange): Promise<Buffer> {
  const { content } = await test.files.openBlob(file, range);
  return Buffer.isBuffer(content) ? content : buffer(content);
}

const digestOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

function useStreams(chunkBytes = 100): void {
  for (const store of Object.values(test.stores)) store.chunkBytes = chunkBytes;
}

function ownDebts() {
  return test.catalog.listDebts(test.cluster.self, 100);
}

async function expectReported(): Promise<void> {
  await expect.poll(ownDebts).toContainEqual(expect.objectContaining({ digest: file.digest }));
  await expect.poll(() => test.cluster.nudged).toContain(test.cluster.self);
}

describe("a blob that this node does not have", () => {
  beforeEach(() => void test.memory["self"]!.remove(file));

  it("comes from the first peer, and is reported for repair", async () => {
    expect(digestOf(await read())).toBe(file.digest);
    await expectReported();
  });

  it("comes from the next peer when the first lacks it, fails or has other bytes", async () => {
    test.memory["anna"]!.remove(file);
    expect(digestOf(await read())).toBe(file.digest);
    test.stores["anna"]!.beforeOpen = () => Promise.reject(peerError);
    expect(digestOf(await read())).toBe(file.digest);
    test.stores["anna"]!.heal();
    test.memory["anna"]!.damage(file, Buffer.from("bad"));
    expect(digestOf(await read())).toBe(file.digest);
    expect(await read({ start: 2, end: 3 })).toEqual(BYTES.subarray(2, 3));
  });

  it("comes from the next peer when the first does not answer for 5 s", async () => {
    const clock = new SimulatedClock();
    const files = new FileService({ ...test.context, clock });
    test.stores["anna"]!.beforeOpen = () => {
      setImmediate(() => void clock.advance(5000));
      return hang();
    };
    const { content } = await files.openBlob(file);
    expect(digestOf(content as Buffer)).toBe(file.digest);
    expect(clock.monotonic()).toBe(5000);
  });

  it("is unavailable when no peer has it", async () => {
    test.memory["anna"]!.remove(file);
    test.memory["bert"]!.remove(file);
    await expect(read()).rejects.toEqual(coded("blob_unavailable"));
  });

  it("is reported once, however often it is read", async () => {
    let reports = 0;
    const { addDebt } = test.catalog;
    test.catalog.addDebt = (debt) => {
      reports += 1;
      return addDebt.call(test.catalog, debt);
    };
    for (let index = 0; index < 5; index += 1) await read();
    test.catalog.addDebt = addDebt;
    expect(reports).toBe(1);
  });
});

describe("a blob that is bad here", () => {
  it("comes from a peer, and is reported for repair", async () => {
    test.memory["self"]!.damage(file, Buffer.alloc(file.sizeBytes));
    expect(digestOf(await read())).toBe(file.digest);
    await expectReported();
  });

  it("by its length is noticed even for a range", async () => {
    test.memory["self"]!.damage(file, BYTES.subarray(0, 500));
    expect(await read({ start: 100, end: 200 })).toEqual(BYTES.subarray(100, 200));
    await expectReported();
  });

  it("because the disk fails comes from a peer", async () => {
    test.stores["self"]!.beforeOpen = () => Promise.reject(diskError);
    expect(digestOf(await read())).toBe(file.digest);
  });
});

describe("a stream that fails midway", () => {
  it.each([0, 100, 500, 900])("after %i bytes goes on from a peer", async (bytes) => {
    useStreams();
    test.stores["self"]!.failReadingAt = { bytes, error: diskError };
    expect(digestOf(await read())).toBe(file.digest);
    await expectReported();
  });

  it("goes on at the same place of a range", async () => {
    useStreams(7);
    test.stores["self"]!.failReadingAt = { bytes: 100, error: diskError };
    expect(await read({ start: 300, end: 700 })).toEqual(BYTES.subarray(300, 700));
  });

  it("goes on from peer to peer, and from a peer that sends it at once", async () => {
    useStreams();
    test.stores["self"]!.failReadingAt = { bytes: 100, error: diskError };
    test.stores["anna"]!.failReadingAt = { bytes: 400, error: peerError };
    test.stores["bert"]!.chunkBytes = undefined;
    expect(digestOf(await read())).toBe(file.digest);
    expect(test.cluster.failures).toContain("anna");
  });

  it("fails when no other place is left", async () => {
    useStreams();
    for (const store of Object.values(test.stores)) store.failReadingAt = { bytes: 300, error: diskError };
    await expect(read()).rejects.toEqual(coded("blob_unavailable"));
  });

  it("never ends well when bad bytes went out before it failed", async () => {
    useStreams();
    const bad = Buffer.from(BYTES);
    bad[50] = 255;
    const { open } = test.memory["self"]!;
    // As a disk does: it streams first and knows at the end that the bytes were bad.
    test.memory["self"]!.open = async () => ({ sizeBytes: file.sizeBytes, content: bad });
    test.stores["self"]!.failReadingAt = { bytes: 900, error: new KoboldError("blob_corrupt", "a fault of the test") };
    await expect(read()).rejects.toEqual(coded("blob_corrupt"));
    test.memory["self"]!.open = open;
  });

  it("releases what it read from when its reader goes away", async () => {
    useStreams(10);
    const { content } = await test.files.openBlob(file);
    (content as Readable).destroy();
    await expect.poll(() => test.stores["self"]!.openStreams).toBe(0);
  });

  it("gives the right bytes or an error, whatever fails where", async () => {
    const place = fc.record({
      chunkBytes: fc.integer({ min: 1, max: 400 }),
      bytes: fc.option(fc.nat(1100)),
      gone: fc.boolean(),
    });
    const names = ["self", "anna", "bert"];
    await fc.assert(
      fc.asyncProperty(fc.tuple(place, place, place), async (places) => {
        for (const [index, name] of names.entries()) {
          const { chunkBytes, bytes, gone } = places[index]!;
          test.stores[name]!.heal();
          test.stores[name]!.chunkBytes = chunkBytes;
          test.stores[name]!.failReadingAt = bytes === null ? undefined : { bytes, error: diskError };
          if (gone) test.stores[name]!.beforeOpen = () => Promise.reject(peerError);
        }
        const complete = places.some(({ bytes, gone }) => !gone && (bytes === null || bytes >= file.sizeBytes));
        const result = await read().then(digestOf, (error: KoboldError) => error.code);
        expect(complete ? [file.digest] : [file.digest, "blob_unavailable"]).toContain(result);
      }),
      { numRuns: 50 },
    );
  });
});
