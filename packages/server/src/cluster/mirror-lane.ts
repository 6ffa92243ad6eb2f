import { KoboldError } from "@koboldfs/protocol";
import type { JournalGroup } from "../model/journal-group.js";
import type { Clock } from "../runtime/clock.js";
import { withDeadline } from "../runtime/deadline.js";
import type { MirrorPeer } from "./cluster.js";

/** As for placements: two seconds tell a slow peer from a stuck one, and who is dropped in error catches up by itself. */
const PEER_PROGRESS_MS = 2000;
/** Groups in one message, and how many bytes of them; what comes while a message is on its way shares the next. */
const MAX_MESSAGE_GROUPS = 256;
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

interface Waiting {
  readonly number: number;
  readonly group: JournalGroup | undefined;
  readonly resolve: (has: boolean) => void;
}

/** Feeds one peer's mirror: in order, one message at a time. */
export class MirrorLane {
  readonly #clock: Clock;
  /** Undefined while nobody answers there. */
  #peer: MirrorPeer | undefined;
  #waiting: Waiting[] = [];
  #isRunning = false;
  /** The peer's mirror is known to have everything up to here. */
  #position = 0;

  constructor(peer: MirrorPeer, clock: Clock) {
    this.#peer = peer;
    this.#clock = clock;
  }

  /** Takes over what is known of the peer now; undefined when it is down. */
  update(peer: MirrorPeer | undefined): void {
    this.#peer = peer;
  }

  /**
   * Resolves when the peer's mirror has the journal up to `number`, or when it cannot have it soon: then false. `group`
   * is the one that ends there, when it is at hand. Never rejects.
   */
  bring(number: number, group: JournalGroup | undefined): Promise<boolean> {
    if (this.#position >= number) return Promise.resolve(true);
    // It catches up by itself; its failure is forgotten when it answers a ping.
    if (this.#peer === undefined || this.#peer.failedLately) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.push({ number, group, resolve });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) await this.#send(this.#takeMessage());
    this.#isRunning = false;
  }

  #takeMessage(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { group } of this.#waiting) {
      if (count === MAX_MESSAGE_GROUPS || bytes >= MAX_MESSAGE_BYTES) break;
      bytes += group?.bytes.length ?? 0;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(message: readonly Waiting[]): Promise<void> {
    const peer = this.#peer;
    if (peer === undefined) return refuse(message);
    const groups = message.flatMap(({ group }) => (group === undefined ? [] : [group]));
    const given = new AbortController();
    const late = () => {
      const error = new KoboldError("peer_failed", `node ${peer.node.name} did not take the journal in time`);
      given.abort(error);
      return error;
    };
    try {
      const { mirror } = peer;
      const asking = groups.length > 0 ? mirror.append(groups, given.signal) : mirror.head(given.signal);
      const head = await withDeadline(asking, { clock: this.#clock, ms: PEER_PROGRESS_MS, late });
      this.#position = Math.max(this.#position, head.number);
    } catch (cause) {
      this.#noteFailure(peer, cause);
    }
    for (const { number, resolve } of message) resolve(this.#position >= number);
  }

  /** A peer that is behind, or on another branch, is not sick: it says so at once, and nobody waits for it. */
  #noteFailure(peer: MirrorPeer, cause: unknown): void {
    const code = cause instanceof KoboldError ? cause.code : undefined;
    if (code === "history_forked") this.#position = 0;
    if (code === "mirror_behind" || code === "history_forked") return;
    peer.reportFailure(cause);
    // Those that wait would only wait for the same failure.
    refuse(this.#waiting.splice(0));
  }
}

function refuse(waiting: readonly Waiting[]): void {
  for (const { resolve } of waiting) resolve(false);
}
