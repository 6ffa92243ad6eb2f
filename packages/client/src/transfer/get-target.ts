import type { Platform } from "../platform.js";
import type { Sink } from "./sink.js";

/**
 * Where a get writes to.
 *
 * - `string`: the PATH of a file, which appears only when it is complete and its digest is right (not in browsers);
 * - a Node stream or a `WritableStream`: never ended here.
 */
export type GetTarget = string | WritableLike | WritableStream<Uint8Array>;

/** What the client uses of Node's `Writable`: a type of its own, since browsers have no types of Node. */
export interface WritableLike {
  write(bytes: Uint8Array, done: (failure?: Error | null) => void): boolean;
  on(event: "error" | "close", listener: (failure?: Error) => void): unknown;
  off(event: "error" | "close", listener: (failure?: Error) => void): unknown;
}

/** Where the bytes of a get go. Throws a TypeError for what is no target. */
export async function openSink(target: GetTarget, platform: Platform): Promise<Sink> {
  const sink = typeof target === "string" ? await platform.createFile(target) : platform.wrapStream(target);
  if (sink === undefined) throw new TypeError("a target is a path, a Writable or a WritableStream");
  return sink;
}
