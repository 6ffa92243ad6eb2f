import { ClusterClient } from "./cluster-client.js";
import { ClusterFace } from "./cluster-face.js";
import { NamespaceClient } from "./namespace-client.js";
import type { Session } from "./session/session.js";

/** The clients of one session. Whoever opened the session gives it here; it is closed here. */
export class SessionPool extends ClusterClient {
  readonly #session: Session;

  constructor(session: Session) {
    super(new ClusterFace(session));
    this.#session = session;
  }

  /**
   * The files of one namespace, which need not exist yet. Costs nothing: call it wherever a client is wanted. Throws
   * `invalid_namespace`.
   */
  client(namespace: string): NamespaceClient {
    return new NamespaceClient(namespace, this.#session);
  }

  /** Lets what is under way finish and closes the connections. What any client of this pool is asked afterwards throws. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
