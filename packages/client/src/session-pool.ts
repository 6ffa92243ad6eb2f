import type { NamespaceInfo, NodeInfo, StatusReply } from "@koboldfs/protocol";
import type { CallOptions } from "./client-options.js";
import { ClusterFace } from "./cluster-face.js";
import { NamespaceClient } from "./namespace-client.js";
import type { Session } from "./session/session.js";

/** The clients of one session. Whoever opened the session gives it here; it is closed here. */
export class SessionPool {
  readonly #session: Session;
  readonly #cluster: ClusterFace;

  constructor(session: Session) {
    this.#session = session;
    this.#cluster = new ClusterFace(session);
  }

  /**
   * The files of one namespace, which need not exist yet. Costs nothing: call it wherever a client is wanted. Throws
   * `invalid_namespace`.
   */
  client(namespace: string): NamespaceClient {
    return new NamespaceClient(namespace, this.#session);
  }

  /** Whether a server answers. Never throws but for the signal. */
  ping(options: CallOptions = {}): Promise<boolean> {
    return this.#cluster.ping(options);
  }

  listNamespaces(options: CallOptions = {}): Promise<NamespaceInfo[]> {
    return this.#cluster.listNamespaces(options);
  }

  /** Every node of the cluster. */
  nodes(options: CallOptions = {}): Promise<NodeInfo[]> {
    return this.#cluster.listNodes(options);
  }

  /** The whole cluster at one glance, as the server that answers sees it. */
  status(options: CallOptions = {}): Promise<StatusReply> {
    return this.#cluster.getStatus(options);
  }

  /** Lets what is under way finish and closes the connections. What any client of this pool is asked afterwards throws. */
  close(): Promise<void> {
    return this.#session.close();
  }
}
