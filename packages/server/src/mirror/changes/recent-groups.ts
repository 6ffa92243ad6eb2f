import type { JournalGroup, JournalGroupContent } from "../../model/journal-group.js";
import { parseJournalGroup } from "../../model/journal-group.js";

/** Enough for a reader that takes a second to write what it got; one that is further behind reads the mirror. */
const MAX_GROUPS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

interface Kept {
  readonly content: JournalGroupContent;
  readonly bytes: number;
}

/** The newest groups, parsed once for however many readers: a run without gaps that ends where the journal did lately. */
export class RecentGroups {
  readonly #kept: Kept[] = [];
  #bytes = 0;
  /** The number before the first group that is kept. */
  #start: number;

  /** Begins behind this number. */
  constructor(number: number) {
    this.#start = number;
  }

  get end(): number {
    return this.#kept.at(-1)?.content.last ?? this.#start;
  }

  /** Groups that continue the run. */
  add(groups: readonly JournalGroup[]): void {
    for (const { bytes, first } of groups) {
      if (first !== this.end + 1) throw new Error(`group ${first} does not follow ${this.end}`);
      this.#kept.push({ content: parseJournalGroup(bytes), bytes: bytes.length });
      this.#bytes += bytes.length;
    }
    while (this.#kept.length > MAX_GROUPS || (this.#bytes > MAX_BYTES && this.#kept.length > 1)) this.#dropFirst();
  }

  /** Whether everything behind the number is here. */
  reachesBackTo(after: number): boolean {
    return after >= this.#start;
  }

  listBehind(after: number): JournalGroupContent[] {
    const from = this.#kept.findIndex(({ content }) => content.last > after);
    return from < 0 ? [] : this.#kept.slice(from).map(({ content }) => content);
  }

  #dropFirst(): void {
    const first = this.#kept.shift();
    if (first === undefined) return;
    this.#bytes -= first.bytes;
    this.#start = first.content.last;
  }
}
