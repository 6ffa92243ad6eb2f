import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** How much is read at once: large enough that hashing, not calling, takes the time. */
const CHUNK_BYTES = 256 * 1024;

/** The SHA-256 of a file in hex. Throws what the system says. */
export async function digestFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES, ...(signal !== undefined && { signal }) });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
