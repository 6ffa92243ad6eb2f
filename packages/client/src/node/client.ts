import { KoboldError } from "@koboldfs/protocol";
import type { ClientOptions } from "../client-options.js";
import { PlatformClient } from "../platform-client.js";
import { Session } from "../session/session.js";
import { createNodePlatform } from "./node-platform.js";

const DEFAULT_DEADLINE_MS = 30_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 2_000;
const DEFAULT_RESPONSE_TIMEOUT_MS = 15_000;
const DEFAULT_IDLE_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_IN_FLIGHT = 64;

/**
 * The files of one namespace of a KoboldFS cluster, from Node.
 *
 *     const client = new Client("demo", { servers: ["http://127.0.0.1:9876", "http://127.0.0.1:9875"] });
 *     await client.put("motd", "/etc/motd");
 *     await client.get("motd", process.stdout);
 *     await client.close();
 */
export class Client extends PlatformClient {
  /** Throws `invalid_namespace`, or `invalid_request` for a server that is no http or https URL. */
  constructor(namespace: string, options: ClientOptions) {
    const maxInFlight = options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT;
    const connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    const platform = createNodePlatform({ connectTimeoutMs, connections: maxInFlight });
    const session = new Session(platform, {
      servers: parseServers(options.servers),
      ...(options.token !== undefined && { token: options.token }),
      deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
      responseTimeoutMs: options.responseTimeoutMs ?? DEFAULT_RESPONSE_TIMEOUT_MS,
      idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      maxInFlight,
    });
    super(namespace, session);
  }
}

function parseServers(servers: readonly string[]): string[] {
  if (servers.length === 0) throw new KoboldError("invalid_request", "a client needs at least one server");
  return servers.map((server) => {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") return server.replace(/\/+$/, "");
    throw new KoboldError("invalid_request", `not a server's URL (http://HOST:PORT): ${JSON.stringify(server)}`);
  });
}
