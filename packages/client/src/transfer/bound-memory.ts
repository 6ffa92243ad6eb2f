import type { UploadMemory } from "./upload-memory.js";

/** An upload memory, asked about one upload. */
export class BoundMemory {
  readonly #memory: UploadMemory;
  readonly #fingerprint: string;

  constructor(memory: UploadMemory, fingerprint: string) {
    this.#memory = memory;
    this.#fingerprint = fingerprint;
  }

  find(): Promise<string | undefined> {
    return this.#memory.find(this.#fingerprint);
  }

  keep(url: string): Promise<void> {
    return this.#memory.keep(this.#fingerprint, url);
  }

  forget(): Promise<void> {
    return this.#memory.forget(this.#fingerprint);
  }
}
