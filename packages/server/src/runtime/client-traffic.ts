import type { Clock } from "./clock.js";

const WINDOW_MS = 1_000;
/** In one to two seconds: below it nobody waits for the machine. */
const BUSY_FROM = 5;

/** Whether clients are served now: what can wait shall leave them the machine. */
export class ClientTraffic {
  readonly #clock: Clock;
  #window = 0;
  #inWindow = 0;
  #inWindowBefore = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** So many requests came from clients, here or at a node that asks for a part of the work. */
  note(requests = 1): void {
    this.#move();
    this.#inWindow += requests;
  }

  get isBusy(): boolean {
    this.#move();
    return this.#inWindow + this.#inWindowBefore >= BUSY_FROM;
  }

  #move(): void {
    const window = Math.floor(this.#clock.monotonic() / WINDOW_MS);
    if (window === this.#window) return;
    this.#inWindowBefore = window === this.#window + 1 ? this.#inWindow : 0;
    this.#inWindow = 0;
    this.#window = window;
  }
}
