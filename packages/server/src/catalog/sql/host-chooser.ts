import type { Clock } from "../../runtime/clock.js";
import type { DatabaseUrl } from "./database-url.js";
import { HostSession } from "./host-session.js";
import type { SessionPurpose } from "./network-engine.js";
import type { SqlConnection } from "./sql-connection.js";
import { ConnectionCut } from "./sql-failure.js";

export type DatabaseHost = DatabaseUrl["hosts"][number];

/** A session with a host that accepts writes. */
export interface OpenedSession {
  readonly connection: SqlConnection;
  /**
   * Counts the promotions that led to this host (PostgreSQL's timeline): of two that both accept writes, the one that was
   * promoted later is the primary, and the other one an old primary that came back.
   */
  readonly promotions: number;
}

export interface HostChooserOptions {
  /** In the order of the dsn, at least one. */
  readonly hosts: readonly DatabaseHost[];
  /** Opens a session; rejects when the host does not answer or accepts no writes. */
  readonly open: (host: DatabaseHost, purpose: SessionPurpose) => Promise<OpenedSession>;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
}

/** All hosts are looked at again this often while the catalog is in use: a switch is noticed within seconds. */
const LOOK_MS = 2000;
/** Once one host accepts writes, the others have this long to say that they are better. */
const GRACE_MS = 1000;

interface Found {
  readonly host: DatabaseHost;
  readonly index: number;
  readonly promotions: number;
}

/**
 * Finds the host of a dsn that all nodes write through: of those that accept writes the one promoted last, and among equals
 * (the members of a Galera cluster) the first in the dsn. Sessions with another one are given up: one that was demoted
 * would go on answering reads, with what it knew then.
 */
export class HostChooser {
  readonly #options: HostChooserOptions;
  readonly #sessions = new Map<HostSession, DatabaseHost>();
  #chosen: DatabaseHost | undefined;
  /** The one chosen last, also while it does not answer. */
  #latest: DatabaseHost | undefined;
  #onSwitch: () => void = () => {};
  #choosing: Promise<DatabaseHost> | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: HostChooserOptions) {
    this.#options = options;
  }

  /** A session with the chosen host. Rejects with the driver's error. */
  async connect(purpose: SessionPurpose): Promise<SqlConnection> {
    const [only] = this.#options.hosts;
    if (this.#options.hosts.length === 1 && only !== undefined) return this.#open(only, purpose);
    const before = this.#chosen;
    if (before !== undefined) {
      try {
        return await this.#open(before, purpose);
      } catch {
        // It may have been demoted, or be gone: whoever accepts writes now is asked below.
        if (this.#chosen === before) this.#chosen = undefined;
      }
    }
    return this.#open(this.#chosen ?? (await this.#choose()), purpose);
  }

  /** For one listener: told when another host takes over, before anything is asked of it. */
  watch(onSwitch: () => void): void {
    this.#onSwitch = onSwitch;
  }

  /** Called whenever the catalog is used: looks in the background, once in a while, whether another host is the one now. */
  noteUse(): void {
    const { clock, hosts } = this.#options;
    if (hosts.length === 1 || this.#choosing !== undefined) return;
    if (clock.monotonic() - this.#lookedAtMs < LOOK_MS) return;
    // What nobody accepts writes is told to who needs a session.
    this.#choose().catch(() => undefined);
  }

  async #open(host: DatabaseHost, purpose: SessionPurpose): Promise<SqlConnection> {
    const { connection } = await this.#options.open(host, purpose);
    const session = new HostSession(connection, () => this.#sessions.delete(session));
    this.#sessions.set(session, host);
    // The choice may have changed while this was opened.
    if (this.#chosen !== undefined && this.#chosen !== host) session.giveUp();
    return session;
  }

  #choose(): Promise<DatabaseHost> {
    this.#choosing ??= this.#chooseNow().finally(() => {
      this.#choosing = undefined;
      this.#lookedAtMs = this.#options.clock.monotonic();
    });
    return this.#choosing;
  }

  async #chooseNow(): Promise<DatabaseHost> {
    const failures: unknown[] = [];
    const answered = new Set<DatabaseHost>();
    const found: Found[] = [];
    const asked = this.#options.hosts.map(async (host, index) => {
      try {
        found.push({ host, index, promotions: await this.#lookAt(host) });
      } catch (error) {
        failures.push(error);
      }
      answered.add(host);
    });
    await this.#waitFor(asked, found);
    const [best] = found.toSorted((a, b) => b.promotions - a.promotions || a.index - b.index);
    if (best === undefined) throw toError(failures[0]);
    this.#chosen = best.host;
    if (this.#latest !== undefined && this.#latest !== best.host) this.#onSwitch();
    this.#latest = best.host;
    this.#giveUpOthers(best.host, found);
    return best.host;
  }

  /** Until all have answered, or one accepts writes and the others had their time. */
  async #waitFor(asked: readonly Promise<void>[], found: readonly Found[]): Promise<void> {
    const all = Promise.all(asked);
    const first = Promise.race([all, ...asked.map((one) => one.then(() => (found.length > 0 ? undefined : all)))]);
    await first;
    const enough = new AbortController();
    await Promise.race([all, this.#options.clock.sleep(GRACE_MS, enough.signal)]);
    enough.abort();
  }

  async #lookAt(host: DatabaseHost): Promise<number> {
    const { connection, promotions } = await this.#options.open(host, "read");
    await connection.close();
    return promotions;
  }

  /** A host that still accepts writes may end what runs there; one that does not answer would keep it hanging. */
  #giveUpOthers(chosen: DatabaseHost, found: readonly Found[]): void {
    for (const [session, host] of this.#sessions) {
      if (host === chosen) continue;
      if (found.some((one) => one.host === host)) session.giveUp();
      else session.destroy();
    }
  }
}

function toError(failure: unknown): Error {
  return failure instanceof Error
    ? failure
    : new ConnectionCut("no host of the dsn accepts writes", { cause: failure });
}
