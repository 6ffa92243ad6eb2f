import type { Reading } from "../model/scrub-decision.js";

/** Reads that count: what was bad long ago says nothing of today. */
const LAST_READS = 1_000;

/** How many of the blobs that were read last on each volume were bad. */
export class VolumeReads {
  readonly #tallies = new Map<string, { read: number; bad: number }>();

  add(volume: string, reading: Reading): void {
    const tally = this.#tallies.get(volume) ?? { read: 0, bad: 0 };
    tally.read += 1;
    if (reading === "bad" || reading === "unreadable") tally.bad += 1;
    // Half of it is forgotten, so that the window moves.
    if (tally.read > LAST_READS) {
      tally.read /= 2;
      tally.bad /= 2;
    }
    this.#tallies.set(volume, tally);
  }

  list(): [volume: string, tally: { readonly read: number; readonly bad: number }][] {
    return [...this.#tallies];
  }

  forget(volume: string): void {
    this.#tallies.delete(volume);
  }
}
