/** How far behind the newest request an older one may arrive: requests overtake each other on parallel connections. */
const WINDOW = 65_536;

/**
 * Remembers which numbers of a counting sender were seen, in constant memory: a bitmap over the last 65,536 of them,
 * as IPsec does (RFC 4303, section 3.4.3). What is older than the window counts as seen.
 */
export class ReplayWindow {
  readonly #seen = new Uint8Array(WINDOW / 8);
  #highest: number | undefined;

  /** True the first time; false for a number that was seen, or may have been. */
  accept(number: number): boolean {
    const highest = this.#highest ?? number - 1;
    if (number <= highest - WINDOW) return false;
    if (number > highest) this.#advance(highest, number);
    else if (this.#isSet(number)) return false;
    this.#set(number);
    return true;
  }

  #advance(from: number, to: number): void {
    if (to - from >= WINDOW) this.#seen.fill(0);
    else for (let number = from + 1; number <= to; number += 1) this.#clear(number);
    this.#highest = to;
  }

  #isSet(number: number): boolean {
    return ((this.#seen[byteOf(number)] ?? 0) & bitOf(number)) !== 0;
  }

  #set(number: number): void {
    this.#seen[byteOf(number)] = (this.#seen[byteOf(number)] ?? 0) | bitOf(number);
  }

  #clear(number: number): void {
    this.#seen[byteOf(number)] = (this.#seen[byteOf(number)] ?? 0) & ~bitOf(number);
  }
}

function byteOf(number: number): number {
  return (number % WINDOW) >> 3;
}

function bitOf(number: number): number {
  return 1 << (number & 7);
}
