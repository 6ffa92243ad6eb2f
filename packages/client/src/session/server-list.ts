/** The first pause of a server that failed; doubled with each failure in a row. */
const FIRST_PAUSE_MS = 1_000;
/** A server that was repaired is noticed after this long at the latest. */
const LONGEST_PAUSE_MS = 30_000;
/** Pauses vary by this share, so that many clients do not come back to a server in one moment. */
const JITTER = 0.25;
/** While one request tries a server whose pause is over, the others keep away for this long. */
const PROBE_MS = 3_000;

interface ServerHealth {
  readonly url: string;
  /** Failures in a row. */
  failures: number;
  avoidUntilMs: number;
  /** One request is finding out whether it is back. */
  probing: boolean;
}

/**
 * Which server to ask. In the order in which they were given, so that the nearest can stand first; one that failed is
 * passed over for a while, then tried by a single request. Holds no clock: every call says what time it is.
 */
export class ServerList {
  readonly #servers: readonly ServerHealth[];
  readonly #random: () => number;

  constructor(urls: readonly string[], random: () => number) {
    this.#servers = urls.map((url) => ({ url, failures: 0, avoidUntilMs: 0, probing: false }));
    this.#random = random;
  }

  get urls(): readonly string[] {
    return this.#servers.map((server) => server.url);
  }

  /**
   * The best server that is not in `tried`; undefined when all were tried. When every one is paused it is the one whose
   * pause ends first: asking it beats failing without having asked.
   */
  pick(tried: ReadonlySet<string>, nowMs: number): string | undefined {
    let best: ServerHealth | undefined;
    for (const server of this.#servers) {
      if (tried.has(server.url)) continue;
      if (server.avoidUntilMs <= nowMs) return this.#choose(server, nowMs);
      if (best === undefined || server.avoidUntilMs < best.avoidUntilMs) best = server;
    }
    return best?.url;
  }

  /** Whether every other server failed a moment ago. */
  isLastResort(url: string, nowMs: number): boolean {
    return this.#servers.every((server) => server.url === url || server.avoidUntilMs > nowMs);
  }

  reportSuccess(url: string): void {
    const server = this.#find(url);
    if (server === undefined || server.failures === 0) return;
    server.failures = 0;
    server.avoidUntilMs = 0;
    server.probing = false;
  }

  reportFailure(url: string, nowMs: number): void {
    const server = this.#find(url);
    if (server === undefined) return;
    // Requests that were under way together fail together: that is one failure.
    if (nowMs < server.avoidUntilMs && !server.probing) return;
    server.failures += 1;
    server.probing = false;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (server.failures - 1), LONGEST_PAUSE_MS);
    server.avoidUntilMs = nowMs + pauseMs * (1 + JITTER * (2 * this.#random() - 1));
  }

  #choose(server: ServerHealth, nowMs: number): string {
    if (server.failures > 0) {
      server.probing = true;
      server.avoidUntilMs = nowMs + PROBE_MS;
    }
    return server.url;
  }

  #find(url: string): ServerHealth | undefined {
    return this.#servers.find((server) => server.url === url);
  }
}
