import type { Hasher } from "../platform.js";

/** A source that can be opened at any place. */
export type OpenSource = (position: number) => AsyncIterable<Uint8Array>;

/**
 * A source that is read piece by piece, some of it perhaps twice and some only to be hashed, and whose digest is still
 * that of the whole, each byte once.
 */
export class HashedSource {
  readonly #open: OpenSource;
  readonly #hasher: Hasher;
  readonly #sizeBytes: number;
  #hashedBytes = 0;
  #digest: string | undefined;

  constructor(open: OpenSource, options: { hasher: Hasher; sizeBytes: number }) {
    this.#open = open;
    this.#hasher = options.hasher;
    this.#sizeBytes = options.sizeBytes;
  }

  /** What comes from `offset` on. What comes before it is read too when it was not hashed yet. */
  async *readFrom(offset: number): AsyncGenerator<Uint8Array> {
    let position = Math.min(offset, this.#hashedBytes);
    if (position === this.#sizeBytes) return;
    for await (const chunk of this.#open(position)) {
      this.#hash(chunk, position);
      const known = Math.max(offset - position, 0);
      position += chunk.length;
      if (known < chunk.length) yield known === 0 ? chunk : chunk.subarray(known);
    }
  }

  /** Of the whole; reads what was not read yet. */
  async digest(): Promise<string> {
    for await (const _ of this.readFrom(this.#sizeBytes));
    this.#digest ??= this.#hasher.digest();
    return this.#digest;
  }

  #hash(chunk: Uint8Array, position: number): void {
    const known = this.#hashedBytes - position;
    if (known >= chunk.length) return;
    this.#hasher.update(known <= 0 ? chunk : chunk.subarray(known));
    this.#hashedBytes = position + chunk.length;
  }
}
