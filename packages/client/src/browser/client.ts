import type { ClientOptions } from "../client-options.js";
import { NamespaceClient } from "../namespace-client.js";
import { openSession } from "../session/open-session.js";
import type { Session } from "../session/session.js";
import { createBrowserPlatform } from "./browser-platform.js";

/**
 * The files of one namespace, from a web page or a worker. The page's origin must be among `cors_origins` of the nodes,
 * unless it comes from there too. A source is a `File` or another `Blob`, bytes or a stream; a target a `WritableStream`.
 */
export class Client extends NamespaceClient {
  readonly #session: Session;

  /** Throws `invalid_namespace`, or `invalid_request` for a server that is no http or https URL. */
  constructor(namespace: string, options: ClientOptions) {
    const session = openSession(options, createBrowserPlatform);
    super(namespace, session);
    this.#session = session;
  }

  /** Lets what is under way finish. What is called afterwards throws. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
