import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { KoboldError } from "@koboldfs/protocol";
import { describe, isMissing } from "./system-failure.js";

/** How much is read at once: large enough that hashing, not calling, takes the time. */
const CHUNK_BYTES = 256 * 1024;
/** Up to this size one reading and one hash are cheaper than a stream. */
const WHOLE_BYTES = 1024 * 1024;

/** The SHA-256 of a file in hex. Throws what the system says of a file that is gone, else `source_unreadable`. */
export async function digestFile(path: string, sizeBytes: number, signal: AbortSignal): Promise<string> {
  try {
    if (sizeBytes <= WHOLE_BYTES) return hash("sha256", await readFile(path), "hex");
    const sha256 = createHash("sha256");
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal })) {
      sha256.update(chunk as Buffer);
    }
    return sha256.digest("hex");
  } catch (cause) {
    signal.throwIfAborted();
    if (isMissing(cause)) throw cause;
    throw new KoboldError("source_unreadable", describe(cause), { cause });
  }
}
