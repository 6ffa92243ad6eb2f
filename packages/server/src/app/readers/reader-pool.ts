import type { KnownHistory } from "../../model/commit-view.js";
import type { Clock } from "../../runtime/clock.js";
import type { Logger } from "../../runtime/logger.js";
import { ReaderChild, type ReaderChildOptions } from "./reader-child.js";
import type { ReaderSettings, ReaderState } from "./reader-messages.js";

/** What the pool wants of a reader process. */
export type PooledReader = Pick<
  ReaderChild,
  "pid" | "canServe" | "connections" | "answered" | "handedOn" | "take" | "setState" | "stop" | "kill"
>;

export interface ReaderPoolOptions {
  /** How many processes. */
  readonly size: number;
  /** What only the node process knows, asked often. */
  readonly state: () => ReaderState;
  readonly known: () => KnownHistory | undefined;
  /** So many requests the readers have answered since it was last told of. */
  readonly onAnswered: (requests: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Starts one; replaced in tests. */
  readonly create?: (options: ReaderChildOptions) => PooledReader;
}

/** Who ends sooner than this after its start did so for a reason that the next one meets too. */
const SOON_MS = 10_000;
const FIRST_PAUSE_MS = 100;
/** Meanwhile the node process answers alone. */
const LONGEST_PAUSE_MS = 30_000;
/** A volume that goes out and comes back is noticed by a probe; readers hear of it this much later. */
const LOOK_MS = 200;

/** One place in the pool, whoever has it. */
interface Place {
  child: PooledReader | undefined;
  startedMs: number;
  pauseMs: number;
}

/** The reader processes of a node: so many, whatever happens to them. */
export class ReaderPool {
  readonly #options: ReaderPoolOptions;
  readonly #places: Place[];
  readonly #stopping = new AbortController();
  #settings: ReaderSettings | undefined;
  #told = "";
  #ended = 0;
  #onEmpty: () => void = () => {};

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
    const place = () => ({ child: undefined, startedMs: 0, pauseMs: FIRST_PAUSE_MS });
    this.#places = Array.from({ length: options.size }, place);
  }

  /** Those that can take connections now. */
  get ready(): readonly PooledReader[] {
    return this.#children().filter(({ canServe }) => canServe);
  }

  /** How many have ended without being told to. */
  get ended(): number {
    return this.#ended;
  }

  /** Every reader that runs. */
  get all(): readonly PooledReader[] {
    return this.#children();
  }

  start(settings: ReaderSettings): void {
    this.#settings = settings;
    for (const place of this.#places) this.#fill(place);
    void this.#keepTold();
  }

  /** Tells the readers now what has changed. */
  tell(): void {
    const state = this.#options.state();
    const text = JSON.stringify(state);
    if (text === this.#told) return;
    this.#told = text;
    for (const child of this.#children()) child.setState(state);
  }

  /** Lets them finish what runs, for so long at most. */
  async stop(ms: number): Promise<void> {
    this.#stopping.abort();
    for (const child of this.#children()) child.stop();
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#children().length === 0) resolve();
    });
    const late = new AbortController();
    await Promise.race([empty, this.#options.clock.sleep(ms, late.signal)]);
    late.abort();
    for (const child of this.#children()) child.kill();
    await empty;
  }

  #children(): PooledReader[] {
    return this.#places.flatMap(({ child }) => (child === undefined ? [] : [child]));
  }

  #fill(place: Place): void {
    const { clock, create = startChild, known, log, onAnswered, state } = this.#options;
    if (this.#settings === undefined || this.#stopping.signal.aborted) return;
    place.startedMs = clock.monotonic();
    // What it is made with is then what was told last.
    this.tell();
    const child: PooledReader = create({
      settings: this.#settings,
      state: state(),
      known,
      onAnswered,
      onReady: () => log.info({ event: "reader_started", process: child.pid }, "a reader process serves"),
      onEnd: (how) => void this.#replace(place, child, how),
      log,
    });
    place.child = child;
  }

  async #replace(place: Place, { pid }: PooledReader, how: string): Promise<void> {
    const { clock, log } = this.#options;
    place.child = undefined;
    if (this.#children().length === 0) this.#onEmpty();
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    this.#ended += 1;
    const lived = clock.monotonic() - place.startedMs;
    place.pauseMs = lived < SOON_MS ? Math.min(2 * place.pauseMs, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    const fields = { event: "reader_ended", process: pid, how, againInMs: place.pauseMs };
    log.warn(fields, "a reader process ended; another one takes its place");
    await clock.sleep(place.pauseMs, signal);
    this.#fill(place);
  }

  async #keepTold(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#options.clock.sleep(LOOK_MS, signal);
      this.tell();
    }
  }
}

function startChild(options: ReaderChildOptions): PooledReader {
  return new ReaderChild(options);
}
