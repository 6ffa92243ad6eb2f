import type { NamespaceInfo, NamespacePolicy } from "@koboldfs/protocol";
import type { CallOptions } from "./client-options.js";
import type { ClusterFace } from "./cluster-face.js";
import { HistoryClient, type HistoryClientParts } from "./history-client.js";

/** The namespace itself, and its policy. */
export class PolicyClient extends HistoryClient {
  readonly #cluster: ClusterFace;

  constructor(parts: HistoryClientParts) {
    super(parts);
    this.#cluster = parts.cluster;
  }

  /** Creates this namespace, or gives it another policy. */
  createNamespace(policy: Partial<NamespacePolicy> = {}, options: CallOptions = {}): Promise<NamespaceInfo> {
    return this.#cluster.setNamespace(this.namespace, policy, options);
  }

  /** Throws `namespace_not_found`. */
  getNamespace(options: CallOptions = {}): Promise<NamespaceInfo> {
    return this.#cluster.getNamespace(this.namespace, options);
  }

  /** Removes this namespace, which must be empty: `namespace_not_empty`. */
  dropNamespace(options: CallOptions = {}): Promise<void> {
    return this.#cluster.dropNamespace(this.namespace, options);
  }
}
