import type { Clock } from "./clock.js";

const WINDOW_MS = 1_000;
/** Requests in one to two seconds; below it nobody waits for the machine. */
const BUSY_FROM = 5;

/** How much is done for clients now: what can wait shall leave them most of the machine. */
export class ClientTraffic {
  readonly #clock: Clock;
  #window = 0;
  #running = 0;
  #seen = { requests: 0, atOnce: 0 };
  #seenBefore = { requests: 0, atOnce: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request of a client came, to this node or to one that asks for a part of the work. */
  begin(): void {
    this.note(1);
    this.#running += 1;
    if (this.#running > this.#seen.atOnce) this.#seen.atOnce = this.#running;
  }

  end(): void {
    this.#running -= 1;
  }

  /** So many came and went; how many ran at once is not known. */
  note(requests: number): void {
    this.#move();
    this.#seen.requests += requests;
  }

  /** The most requests that ran at once lately, at least 1; 0 while next to none come, however long those take that run. */
  get atOnce(): number {
    this.#move();
    if (this.#seen.requests + this.#seenBefore.requests < BUSY_FROM) return 0;
    return Math.max(1, this.#seen.atOnce, this.#seenBefore.atOnce);
  }

  #move(): void {
    const window = Math.floor(this.#clock.monotonic() / WINDOW_MS);
    if (window === this.#window) return;
    const isNext = window === this.#window + 1;
    this.#seenBefore = isNext ? this.#seen : { requests: 0, atOnce: this.#running };
    this.#seen = { requests: 0, atOnce: this.#running };
    this.#window = window;
  }
}
