import { expect, it } from "vitest";
import { silentLogger } from "../../runtime/logger.js";
import { SimulatedClock } from "../../runtime/simulated-clock.js";
import type { ReaderChildOptions } from "./reader-child.js";
import type { ReaderSettings, ReaderState } from "./reader-messages.js";
import { type PooledReader, ReaderPool } from "./reader-pool.js";

/** A reader process that only is there. */
class QuietReader implements PooledReader {
  readonly pid = 1;
  readonly connections = 0;
  readonly answered = 0;
  readonly handedOn = 0;
  readonly options: ReaderChildOptions;
  canServe = true;
  state: ReaderState;
  onStop: () => void = () => this.options.onEnd("code 0");

  constructor(options: ReaderChildOptions) {
    this.options = options;
    this.state = options.state;
  }

  take(): void {}

  setState(state: ReaderState): void {
    this.state = state;
  }

  stop(): void {
    this.onStop();
  }

  kill(): void {
    this.options.onEnd("SIGKILL");
  }
}

const SETTINGS = {} as ReaderSettings;

function startPool(size: number) {
  const clock = new SimulatedClock();
  const started: QuietReader[] = [];
  let state: ReaderState = { isSure: true, volumes: [0] };
  const create = (options: ReaderChildOptions) => {
    const reader = new QuietReader(options);
    started.push(reader);
    return reader;
  };
  const pool = new ReaderPool({
    ...{ size, clock, create, log: silentLogger },
    state: () => state,
    known: () => undefined,
    onAnswered: () => {},
  });
  pool.start(SETTINGS);
  const setState = (next: ReaderState) => {
    state = next;
  };
  return { pool, clock, started, setState };
}

it("replaces a reader at once, and waits longer and longer for one that ends again and again", async () => {
  const { pool, clock, started } = startPool(1);
  const pauses: number[] = [];
  for (let end = 0; end < 12; end += 1) {
    const before = started.length;
    started.at(-1)?.options.onEnd("code 1");
    const endedMs = clock.monotonic();
    while (started.length === before) await clock.advance(100);
    pauses.push(clock.monotonic() - endedMs);
  }
  expect(pauses).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000, 30_000]);
  await clock.advance(20_000);
  started.at(-1)?.options.onEnd("SIGKILL");
  await clock.advance(100);
  expect(started).toHaveLength(14);
  expect(pool.ended).toBe(13);
  await pool.stop(1000);
});

it("tells all readers what changes, those too that start meanwhile", async () => {
  const { pool, clock, started, setState } = startPool(2);
  setState({ isSure: false, volumes: [] });
  started[0]?.options.onEnd("code 1");
  await clock.advance(200);
  expect(started.slice(1).map(({ state }) => state.isSure)).toEqual([false, false]);
  setState({ isSure: true, volumes: [0] });
  await clock.advance(200);
  expect(started.slice(1).map(({ state }) => state.isSure)).toEqual([true, true]);
  await pool.stop(1000);
});

it("kills readers that do not end in time, and starts none any more", async () => {
  const { pool, clock, started } = startPool(2);
  for (const reader of started) reader.onStop = () => {};
  const stopped = pool.stop(1000);
  await clock.advance(1000);
  await stopped;
  await clock.advance(60_000);
  expect(started).toHaveLength(2);
  expect(pool.all).toEqual([]);
  expect(pool.ended).toBe(0);
});
