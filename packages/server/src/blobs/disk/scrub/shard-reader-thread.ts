import { createHash } from "node:crypto";
import fs from "node:fs";
import { parentPort } from "node:worker_threads";
import { systemFileSystem } from "../../../runtime/file-system.js";
import { errnoOf } from "../disk-error.js";
import { listStretch } from "./list-shards.js";
import type { DigestRequest, PlainFailure, ReaderAnswer, ReaderRequest } from "./threaded-shard-reader.js";

/** Read at once, into the same buffer each time: reading and hashing take turns, as in sha256sum. */
const PIECE_BYTES = 1024 * 1024;

const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
const pause = new Int32Array(new SharedArrayBuffer(4));
/** Nobody else uses this thread: it need not let go of it while a folder is read. */
const files = { ...systemFileSystem, readdir: async (path: string) => fs.readdirSync(path) };

parentPort?.on("message", (request: ReaderRequest) => {
  void answer(request).then((answered) => parentPort?.postMessage(answered));
});

async function answer(request: ReaderRequest): Promise<ReaderAnswer> {
  const { id } = request;
  if (request.kind === "digest") return { id, value: request.paths.map((path) => digest(path, request)) };
  try {
    return { id, value: await listStretch(request.volumes, request.from, files) };
  } catch (error) {
    return { id, failure: toFailure(error) };
  }
}

function digest(path: string, { bytesPerSecond }: DigestRequest): string | PlainFailure {
  try {
    return digestFile(path, bytesPerSecond);
  } catch (error) {
    return toFailure(error);
  }
}

/** What the disk said, also where it was translated already. */
function toFailure(error: unknown): PlainFailure {
  const { message, cause } = error as Error;
  return { code: errnoOf(error) ?? errnoOf(cause) ?? "EIO", message };
}

function digestFile(path: string, bytesPerSecond: number): string {
  const fd = fs.openSync(path, "r");
  try {
    const hash = createHash("sha256");
    for (;;) {
      const begunMs = performance.now();
      const read = fs.readSync(fd, piece, 0, piece.length, null);
      if (read === 0) return hash.digest("hex");
      hash.update(read === piece.length ? piece : piece.subarray(0, read));
      const leftMs = (read / bytesPerSecond) * 1000 - (performance.now() - begunMs);
      if (leftMs > 0) Atomics.wait(pause, 0, 0, leftMs);
    }
  } finally {
    fs.closeSync(fd);
  }
}
