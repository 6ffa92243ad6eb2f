import type { HistoryEvent } from "@koboldfs/protocol";
import type { Clock } from "../runtime/clock.js";

/** Enough for the story of one bad night. */
const MAX_EVENTS = 20;

/** What happened to the journal's history since this node started, for its status: the newest last. */
export class HistoryEvents {
  readonly #clock: Clock;
  readonly #events: HistoryEvent[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(event: Omit<HistoryEvent, "time">): void {
    this.#events.push({ ...event, time: new Date(this.#clock.now()).toISOString() });
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
  }

  list(): readonly HistoryEvent[] {
    return this.#events;
  }
}
