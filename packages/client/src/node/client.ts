import type { ClientOptions } from "../client-options.js";
import { NamespaceClient } from "../namespace-client.js";
import { openSession } from "../session/open-session.js";
import type { Session } from "../session/session.js";
import { createNodePlatform } from "./node-platform.js";

/**
 * The files of one namespace of a KoboldFS cluster, over connections of its own. For several namespaces see
 * `ClientPool`.
 *
 * ```ts
 * import { Client } from "@koboldfs/client";
 *
 * const client = new Client("demo", { servers: ["http://127.0.0.1:9876", "http://127.0.0.1:9875"] });
 * await client.createNamespace();
 * await client.put("motd", "README.md");
 * await client.get("motd", process.stdout);
 * await client.close();
 * ```
 */
export class Client extends NamespaceClient {
  readonly #session: Session;

  /** Throws `invalid_namespace`, or `invalid_request` for a server that is no http or https URL. */
  constructor(namespace: string, options: ClientOptions) {
    const session = openSession(options, createNodePlatform);
    super(namespace, session);
    this.#session = session;
  }

  /** Lets what is under way finish and closes the connections. What is called afterwards throws. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
