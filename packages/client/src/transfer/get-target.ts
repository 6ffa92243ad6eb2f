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
