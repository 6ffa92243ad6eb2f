import type { ClientOptions } from "../client-options.js";
import { SessionPool } from "../session-pool.js";
import { openSession } from "../session/open-session.js";
import { createNodePlatform } from "./node-platform.js";

/**
 * One set of connections to a cluster, shared by the clients of many namespaces: they know together which servers are
 * dead, and `maxInFlight` bounds them together.
 *
 *     const pool = new ClientPool({ servers: ["http://127.0.0.1:9876", "http://127.0.0.1:9875"] });
 *     await pool.client("photos").put("cat.jpg", "/tmp/cat.jpg");
 *     await pool.client("thumbnails").put("cat.jpg", "/tmp/cat-small.jpg");
 *     await pool.close();
 */
export class ClientPool extends SessionPool {
  /** Throws `invalid_request` for a server that is no http or https URL. */
  constructor(options: ClientOptions) {
    super(openSession(options, createNodePlatform));
  }
}
