import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type Digest, KoboldError, type NamespaceName, parseNamespaceName } from "@koboldfs/protocol";
import { vi } from "vitest";
import type { BlobRef, BlobStore, BlobWrite, BlobWriteOptions, ByteRange, OpenBlob } from "../blob-store.js";

export const NAMESPACE = parseNamespaceName("photos");
export const OTHER_NAMESPACE = parseNamespaceName("photos.old");
export const MIB = 1024 * 1024;
/** What the network gives us at once. */
export const CHUNK_BYTES = 64 * 1024;

/** A store under test, and what only its maker can do with it. */
export interface TestedStore {
  readonly store: BlobStore;
  /** Puts other bytes under the digest, as a failing disk would. */
  damage(ref: BlobRef, bytes: Uint8Array): Promise<void>;
  /** Names of what uploads that did not finish left behind. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** What is left of `ref`: leftovers are polled, since a peer learns of a cut connection a moment after it was cut. */
export async function whatIsLeft(tested: TestedStore, ref: BlobRef): Promise<string[]> {
  const gone = async () => {
    const left = await tested.leftovers();
    if (left.length > 0) throw new Error(`left over: ${left.join(", ")}`);
  };
  await vi.waitFor(gone, { timeout: 5000, interval: 5 });
  return (await tested.store.stat(ref)) === undefined ? [] : ["the blob itself"];
}

export function refOf(namespace: NamespaceName, bytes: Uint8Array): BlobRef {
  return { namespace, digest: createHash("sha256").update(bytes).digest("hex") as Digest };
}

export async function put(
  store: BlobStore,
  bytes: Buffer,
  announced?: BlobWriteOptions,
): ReturnType<BlobWrite["finish"]> {
  return putChunks(store, chunksOf(bytes), announced === undefined ? {} : { announced });
}

export async function putChunks(
  store: BlobStore,
  chunks: readonly Uint8Array[],
  options: { namespace?: NamespaceName; announced?: BlobWriteOptions } = {},
): ReturnType<BlobWrite["finish"]> {
  const write = await store.create(options.namespace ?? NAMESPACE, options.announced);
  try {
    await writeChunks(write, chunks);
    return await write.finish();
  } catch (error) {
    await write.abort();
    throw error;
  }
}

export async function writeChunks(write: BlobWrite, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) await write.write(chunk);
}

export function chunksOf(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
}

export async function opened(store: BlobStore, ref: BlobRef, range?: ByteRange): Promise<OpenBlob> {
  const blob = await store.open(ref, range);
  if (blob === undefined) throw new Error("the blob is missing");
  return blob;
}

export function asStream(blob: OpenBlob): AsyncIterable<Buffer> {
  return Buffer.isBuffer(blob.content) ? Readable.from([blob.content]) : blob.content;
}

export async function readAll(blob: OpenBlob): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of asStream(blob)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function codeOf(running: Promise<unknown>): Promise<string> {
  try {
    await running;
    return "no error";
  } catch (error) {
    return error instanceof KoboldError ? error.code : String(error);
  }
}
