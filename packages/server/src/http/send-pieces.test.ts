import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KoboldError } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { PiecePool } from "../blobs/piece-pool.js";
import { type BlobPieces, PieceStream } from "../blobs/piece-stream.js";
import { silentLogger } from "../runtime/logger.js";
import { openConnection, send } from "./raw-client.js";
import { sendContent } from "./send-pieces.js";

const PIECE_BYTES = 256 * 1024;
const PIECES = 200;

/** A long blob of numbered pieces out of few buffers; a piece that is used again too early shows in the bytes. */
class NumberedPieces implements BlobPieces {
  readonly #pool = new PiecePool(PIECE_BYTES);
  given = 0;
  out = 0;
  mostOut = 0;
  isClosed = false;
  failAt = Number.POSITIVE_INFINITY;

  async next(): Promise<Buffer | undefined> {
    if (this.given === this.failAt) throw new KoboldError("blob_corrupt", "a fault of the test");
    if (this.given === PIECES) return undefined;
    const piece = this.#pool.take(PIECE_BYTES).fill(this.given);
    this.given += 1;
    this.out += 1;
    this.mostOut = Math.max(this.mostOut, this.out);
    return piece;
  }

  recycle(piece: Buffer): void {
    this.out -= 1;
    this.#pool.giveBack(piece);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

let server: Server;
afterEach(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);

async function serve(pieces: BlobPieces): Promise<number> {
  server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Length": PIECES * PIECE_BYTES });
    sendContent(new PieceStream(pieces), response, silentLogger);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("a long answer", () => {
  it("has the right bytes, though one piece's memory carries them all", async () => {
    const pieces = new NumberedPieces();
    const { body } = await send(await serve(pieces), { path: "/" });
    const expected = Buffer.concat(Array.from({ length: PIECES }, (_, index) => Buffer.alloc(PIECE_BYTES, index)));
    expect(body.equals(expected)).toBe(true);
    expect(pieces.mostOut).toBe(1);
    expect(pieces.isClosed).toBe(true);
  });

  it("is read no further than the kernel takes it, while the client does not read", async () => {
    const pieces = new NumberedPieces();
    const { socket } = openConnection(await serve(pieces));
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    await expect.poll(() => pieces.given).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // What the two sockets hold is the kernel's, some megabytes at most; of ours there is one piece.
    expect(pieces.given * PIECE_BYTES).toBeLessThan(24 * 1024 * 1024);
    expect(pieces.out).toBe(1);
    socket.destroy();
    await expect.poll(() => pieces.isClosed).toBe(true);
  });

  it("is cut short when its blob fails, and releases it", async () => {
    const pieces = new NumberedPieces();
    pieces.failAt = 3;
    await expect(send(await serve(pieces), { path: "/" })).rejects.toThrow("aborted");
    expect(pieces.isClosed).toBe(true);
  });
});
