import { once } from "node:events";
import { request } from "node:http";
import { pipeline } from "node:stream/promises";
import { Readable, Writable } from "node:stream";

const BLOCK_BYTES = 2 ** 20;

/** Seconds that a put of so many bytes took, none of which this process keeps. Each MiB begins with its own number. */
export async function putLarge(url: string, sizeBytes: number): Promise<number> {
  const began = performance.now();
  const call = request(url, { method: "PUT", headers: { "content-length": sizeBytes } });
  const answered = once(call, "response");
  await pipeline(Readable.from(blocks(sizeBytes)), call);
  const [response] = (await answered) as [Readable & { statusCode: number }];
  response.resume();
  await once(response, "end");
  if (response.statusCode >= 300) throw new Error(`PUT ${url}: ${response.statusCode}`);
  return (performance.now() - began) / 1000;
}

/** Seconds that a get took. Throws unless it brought these many bytes, each MiB with its number. */
export async function getLarge(url: string, sizeBytes: number): Promise<number> {
  const began = performance.now();
  const call = request(url);
  call.end();
  const [response] = (await once(call, "response")) as [Readable & { statusCode: number }];
  if (response.statusCode !== 200) throw new Error(`GET ${url}: ${response.statusCode}`);
  const checker = new BlockChecker();
  await pipeline(response, checker);
  if (checker.seenBytes !== sizeBytes) throw new Error(`GET ${url}: ${checker.seenBytes} bytes of ${sizeBytes}`);
  return (performance.now() - began) / 1000;
}

function* blocks(sizeBytes: number): Generator<Buffer> {
  for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) {
    // Not touched again: who takes it may keep it for a while. Zeroes from the kernel cost next to nothing.
    const block = Buffer.alloc(Math.min(BLOCK_BYTES, sizeBytes - at));
    block.writeUInt32BE(at / BLOCK_BYTES, 0);
    yield block;
  }
}

/** Takes a body and looks whether each MiB begins with its number. */
class BlockChecker extends Writable {
  seenBytes = 0;
  readonly #number = Buffer.alloc(4);

  override _write(chunk: Buffer, _encoding: string, end: (error?: Error) => void): void {
    let wrong: Error | undefined;
    // The number may be cut between two pieces of the body.
    for (let at = 0; at < chunk.length; ) {
      const inBlock = (this.seenBytes + at) % BLOCK_BYTES;
      if (inBlock < 4) {
        this.#number[inBlock] = chunk[at] ?? 0;
        if (inBlock === 3 && this.#number.readUInt32BE(0) !== Math.floor((this.seenBytes + at) / BLOCK_BYTES))
          wrong ??= new Error(`wrong bytes at ${this.seenBytes + at}`);
        at += 1;
      } else at += BLOCK_BYTES - inBlock;
    }
    this.seenBytes += chunk.length;
    end(wrong);
  }
}
