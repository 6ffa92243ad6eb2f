import type { ClientOptions } from "../client-options.js";
import { SessionPool } from "../session-pool.js";
import { openSession } from "../session/open-session.js";
import { createNodePlatform } from "./node-platform.js";

/**
 * One set of connections to a cluster, shared by the clients of many namespaces: they know together which servers are
 * dead, and `maxInFlight` bounds them together.
 *
 * ```ts
 * import { ClientPool } from "@koboldfs/client";
 *
 * const pool = new ClientPool({ servers: ["http://127.0.0.1:9876", "http://127.0.0.1:9875"] });
 * const photos = pool.client("photos");
 * const thumbnails = pool.client("thumbnails");
 * for (const client of [photos, thumbnails]) await client.createNamespace();
 * await photos.put("cat.jpg", Buffer.from("a cat"));
 * await thumbnails.put("cat.jpg", Buffer.from("a small cat"));
 * await pool.close();
 * ```
 */
export class ClientPool extends SessionPool {
  /** Throws `invalid_request` for a server that is no http or https URL. */
  constructor(options: ClientOptions) {
    super(openSession(options, createNodePlatform));
  }
}
