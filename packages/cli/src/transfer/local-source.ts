import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { PutSource } from "@koboldfs/client";
import { KoboldError } from "@koboldfs/protocol";

/** Where the bytes of a put come from, or why they do not. */
export type LocalSource =
  | { readonly source: PutSource; readonly sizeBytes?: number | undefined }
  | { readonly failure: KoboldError; readonly sizeBytes?: undefined };

/** A file, a named pipe (which process substitution makes too), or `-` for standard input. Opens nothing yet. */
export async function openLocalSource(path: string, stdin: Readable): Promise<LocalSource> {
  if (path === "-") return { source: stdin };
  try {
    const stats = await stat(path);
    if (stats.isFile()) return { source: path, sizeBytes: stats.size };
    if (stats.isFIFO()) return { source: createReadStream(path) };
    const what = stats.isDirectory() ? "it is a folder; 'koboldfs sync' sends folders" : "it is no file";
    return { failure: unreadable(path, what) };
  } catch (cause) {
    return { failure: unreadable(path, (cause as Error).message, cause) };
  }
}

function unreadable(path: string, reason: string, cause?: unknown): KoboldError {
  return new KoboldError("source_unreadable", `cannot read ${JSON.stringify(path)}: ${reason}`, { cause });
}
