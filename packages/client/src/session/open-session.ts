import { KoboldError } from "@koboldfs/protocol";
import type { ClientOptions } from "../client-options.js";
import { createHeldReads } from "../databases/held-reads.js";
import type { Platform } from "../platform.js";
import { Session, type SessionOptions } from "./session.js";

const DEFAULT_DEADLINE_MS = 30_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 2_000;
const DEFAULT_RESPONSE_TIMEOUT_MS = 15_000;
const DEFAULT_IDLE_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_IN_FLIGHT = 64;

/** Outside of the transactions of whoever reads. */
const ALONE = { currentTransaction: () => undefined };

/** What a platform's transport has to know. */
export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  /** Connections to each server. */
  readonly connections: number;
}

/** Throws `invalid_request` for a server that is no http or https URL, and when there is none. */
export function openSession(options: ClientOptions, createPlatform: (limits: ConnectionLimits) => Platform): Session {
  const servers = parseServers(options.servers);
  const maxInFlight = options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT;
  const connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  const platform = createPlatform({ connectTimeoutMs, connections: maxInFlight });
  const settings: SessionOptions = {
    servers,
    ...(options.token !== undefined && { token: options.token }),
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
    responseTimeoutMs: options.responseTimeoutMs ?? DEFAULT_RESPONSE_TIMEOUT_MS,
    idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
    maxInFlight,
    ...(options.currentTransaction !== undefined && { currentTransaction: options.currentTransaction }),
    ...(options.uploadMemory !== undefined && { uploadMemory: options.uploadMemory }),
  };
  if (options.database === undefined) return new Session(platform, settings);
  // Places of its own: those of a client may all be taken by reads that wait for this.
  const finishHeld = createHeldReads(options.database, new Session(platform, { ...settings, ...ALONE }));
  return new Session(platform, { ...settings, finishHeld });
}

function parseServers(servers: readonly string[]): string[] {
  if (servers.length === 0) throw new KoboldError("invalid_request", "a client needs at least one server");
  return servers.map((server) => {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") return server.replace(/\/+$/, "");
    throw new KoboldError("invalid_request", `not a server's URL (http://HOST:PORT): ${JSON.stringify(server)}`);
  });
}
