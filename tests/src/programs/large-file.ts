import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import { Client } from "@koboldfs/client";
import { peakMemoryBytes } from "../harness/owned-process.js";

/**
 * Puts a large file through one server, gets it through another, and prints what it saw as one line of JSON. A process
 * of its own, so that its memory is that of a client and of nothing else.
 *
 * Arguments: URL to put through, URL to get through, namespace, key, size in bytes.
 */
export interface LargeFileReport {
  readonly sentDigest: string;
  readonly putDigest: string;
  readonly receivedDigest: string;
  readonly receivedBytes: number;
  readonly copies: number;
  readonly peakMemoryBytes: number;
}

const BLOCK_BYTES = 1024 * 1024;

const [putServer = "", getServer = "", namespace = "", key = "", size = ""] = process.argv.slice(2);
const sent = createHash("sha256");
const received = createHash("sha256");
let receivedBytes = 0;

/** No two blocks are equal, so that a lost, doubled or swapped one shows in the digest. */
async function* blocks(sizeBytes: number): AsyncGenerator<Buffer> {
  const pattern = Buffer.alloc(BLOCK_BYTES, "a large file ");
  for (let offset = 0; offset < sizeBytes; offset += BLOCK_BYTES) {
    const block = Buffer.from(pattern.subarray(0, Math.min(BLOCK_BYTES, sizeBytes - offset)));
    block.write(`block at ${offset} `);
    sent.update(block);
    yield block;
  }
}

const writer = new Client(namespace, { servers: [putServer] });
const reply = await writer.put(key, blocks(Number(size)));
await writer.close();

const sink = new Writable({
  write(chunk: Buffer, _encoding, done) {
    received.update(chunk);
    receivedBytes += chunk.length;
    done();
  },
});
const reader = new Client(namespace, { servers: [getServer] });
await reader.get(key, sink);
await reader.close();

const report: LargeFileReport = {
  sentDigest: sent.digest("hex"),
  putDigest: reply.digest,
  receivedDigest: received.digest("hex"),
  receivedBytes,
  copies: reply.copies,
  peakMemoryBytes: peakMemoryBytes(process.pid),
};
console.log(JSON.stringify(report));
