import type { NodeId } from "@koboldfs/protocol";
import type { Clock } from "../runtime/clock.js";

export interface PeerBudgetOptions {
  readonly clock: Clock;
  /** Transfers from one peer at a time, while neither it nor this node serves clients. */
  readonly lanes: number;
  /** How many requests of clients this node serves at once now. */
  readonly serves?: () => number;
  /** Bytes taken from one peer in a second, in the long run. */
  readonly bytesPerSecond: number;
}

/** The rest after a peer's first failure; it doubles with each further one in a row. */
const FIRST_REST_MS = 250;
/** A node that is being restarted is asked again soon enough that nobody notices. */
const LONGEST_REST_MS = 30_000;
/** What may come ahead of the rate. Clients notice what comes at full speed for longer, and shorter rests are lost in the noise of timers. */
const SLACK_MS = 15;

/** Transfers for each request of a client that runs: most of the machine is theirs, and what comes in is kept up with. */
const LANES_PER_REQUEST = 0.5;

interface Account {
  /** Requests of clients that the peer served at once when it last gave something. */
  serves: number;
  running: number;
  readonly waiting: (() => void)[];
  /** Monotonic time at which everything that came would have come at the rate. */
  paidUntilMs: number;
  failures: number;
  restsUntilMs: number;
}

/**
 * What this node takes from each peer for what it owes: so many transfers at a time, so many bytes a second, and nothing
 * for a while from one that keeps failing. All workers of a node share one, so the bound holds for the peer.
 */
export class PeerBudget {
  readonly #options: PeerBudgetOptions;
  readonly #accounts = new Map<NodeId, Account>();

  constructor(options: PeerBudgetOptions) {
    this.#options = options;
  }

  /** Whether the peer failed a moment ago, so often that asking it now is not worth while. */
  isResting(peer: NodeId): boolean {
    return this.#options.clock.monotonic() < this.#account(peer).restsUntilMs;
  }

  /** Runs a transfer when its turn comes, first come, first served. */
  async run<T>(peer: NodeId, transfer: () => Promise<T>): Promise<T> {
    const account = this.#account(peer);
    await new Promise<void>((resolve) => {
      account.waiting.push(resolve);
      this.#admitWaiting(account);
    });
    try {
      return await transfer();
    } finally {
      account.running -= 1;
      this.#admitWaiting(account);
    }
  }

  /** How many requests of clients the peer serves at once, as it says with the bytes that it gives. */
  sawSender(peer: NodeId, serves: number): void {
    const account = this.#account(peer);
    account.serves = serves;
    this.#admitWaiting(account);
  }

  /** Says that bytes came; resolves when the next may be asked for, or the signal fires. */
  async took(peer: NodeId, bytes: number, signal: AbortSignal): Promise<void> {
    const { bytesPerSecond, clock } = this.#options;
    const account = this.#account(peer);
    account.failures = 0;
    const now = clock.monotonic();
    account.paidUntilMs = Math.max(account.paidUntilMs, now) + (bytes / bytesPerSecond) * 1000;
    if (account.paidUntilMs - now > SLACK_MS) await clock.sleep(account.paidUntilMs - now - SLACK_MS, signal);
  }

  /** The peer could not give what it may have. What fails while it rests already was begun before and says nothing new. */
  failed(peer: NodeId): void {
    const account = this.#account(peer);
    if (this.isResting(peer)) return;
    const restMs = Math.min(FIRST_REST_MS * 2 ** Math.min(account.failures, 16), LONGEST_REST_MS);
    account.failures += 1;
    account.restsUntilMs = this.#options.clock.monotonic() + restMs;
  }

  /** Nodes came back, perhaps at other addresses: everybody is worth a try again. */
  forgive(): void {
    for (const account of this.#accounts.values()) {
      account.failures = 0;
      account.restsUntilMs = Number.NEGATIVE_INFINITY;
    }
  }

  /** First come, first served. The place is taken here, not when he goes on who has it. */
  #admitWaiting(account: Account): void {
    const lanes = this.#lanes(account);
    while (account.running < lanes) {
      const next = account.waiting.shift();
      if (next === undefined) return;
      account.running += 1;
      next();
    }
  }

  #lanes(account: Account): number {
    const { lanes, serves } = this.#options;
    const most = Math.max(account.serves, serves?.() ?? 0);
    return most === 0 ? lanes : Math.min(lanes, Math.ceil(most * LANES_PER_REQUEST));
  }

  #account(peer: NodeId): Account {
    let account = this.#accounts.get(peer);
    if (account === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      account = { serves: 0, running: 0, waiting: [], paidUntilMs: never, failures: 0, restsUntilMs: never };
      this.#accounts.set(peer, account);
    }
    return account;
  }
}
