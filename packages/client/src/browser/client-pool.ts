import type { ClientOptions } from "../client-options.js";
import { SessionPool } from "../session-pool.js";
import { openSession } from "../session/open-session.js";
import { createBrowserPlatform } from "./browser-platform.js";

/** The clients of many namespaces, from a web page or a worker: they know together which servers are dead. */
export class ClientPool extends SessionPool {
  /** Throws `invalid_request` for a server that is no http or https URL. */
  constructor(options: ClientOptions) {
    super(openSession(options, createBrowserPlatform));
  }
}
