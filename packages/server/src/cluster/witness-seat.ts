import type { CommitWitness } from "../catalog/commit-witness.js";
import type { KnownHistory } from "../model/commit-view.js";
import type { JournalGroup } from "../model/journal-group.js";

/**
 * A place for a witness that cannot be there yet: a catalog is opened before it is known which cluster it is, and so
 * before its mirror. Nothing is committed in between.
 */
export class WitnessSeat implements CommitWitness {
  #witness: CommitWitness | undefined;
  #onDoubt: () => void = () => {};

  take(witness: CommitWitness): void {
    this.#witness = witness;
  }

  /** What shall happen when the catalog may lack what is known. */
  watchDoubt(onDoubt: () => void): void {
    this.#onDoubt = onDoubt;
  }

  noteDoubt(): void {
    this.#onDoubt();
  }

  known(): KnownHistory | undefined {
    return this.#witness?.known();
  }

  async confirm(number: number, group: JournalGroup | undefined): Promise<number> {
    return (await this.#witness?.confirm(number, group)) ?? 0;
  }
}
