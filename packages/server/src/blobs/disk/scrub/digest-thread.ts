import { createHash } from "node:crypto";
import fs from "node:fs";
import { parentPort } from "node:worker_threads";
import type { DigestAnswer, DigestRequest } from "./thread-digester.js";

/** Read at once, into the same buffer each time: reading and hashing take turns, as in sha256sum. */
const PIECE_BYTES = 1024 * 1024;

const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
const pause = new Int32Array(new SharedArrayBuffer(4));

/** The whole body of the thread: nobody else uses it, so it reads and waits without ado. */
parentPort?.on("message", (requests: DigestRequest[]) => parentPort?.postMessage(requests.map(answer)));

function answer({ id, path, bytesPerSecond }: DigestRequest): DigestAnswer {
  try {
    return { id, ...digestFile(path, bytesPerSecond) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { id, error: { code: code ?? "EIO", message } };
  }
}

function digestFile(path: string, bytesPerSecond: number): { digest: string; sizeBytes: number } {
  const fd = fs.openSync(path, "r");
  try {
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for (;;) {
      const begunMs = performance.now();
      const read = fs.readSync(fd, piece, 0, piece.length, null);
      if (read === 0) return { digest: hash.digest("hex"), sizeBytes };
      hash.update(read === piece.length ? piece : piece.subarray(0, read));
      sizeBytes += read;
      const leftMs = (read / bytesPerSecond) * 1000 - (performance.now() - begunMs);
      if (leftMs > 0) Atomics.wait(pause, 0, 0, leftMs);
    }
  } finally {
    fs.closeSync(fd);
  }
}
