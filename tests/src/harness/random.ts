import { randomInt } from "node:crypto";

/** Repeatable chance: the same seed gives the same test. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** 0 up to and without 1 (mulberry32: short, and good enough to choose moments and keys). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` up to and without `bound`. */
  between(least: number, bound: number): number {
    return least + Math.floor(this.next() * (bound - least));
  }

  bytes(sizeBytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(sizeBytes);
    for (let index = 0; index < sizeBytes; index += 1) buffer[index] = this.next() * 256;
    return buffer;
  }
}

/** Chance that another run can repeat: set KOBOLDFS_TEST_SEED to the number that a failed run printed. */
export function seededRandom(purpose: string): SeededRandom {
  const seed = Number(process.env["KOBOLDFS_TEST_SEED"] ?? randomInt(2 ** 31));
  console.log(`${purpose}: KOBOLDFS_TEST_SEED=${seed}`);
  return new SeededRandom(seed);
}
