import {
  KoboldError,
  type NamespaceInfo,
  type NamespacePolicy,
  type NodeInfo,
  parseNamespaceName,
  type StatusReply,
} from "@koboldfs/protocol";
import type { CallOptions } from "./client-options.js";
import { formatNamespacePath } from "./file-address.js";
import type { TransportResponse } from "./platform.js";
import { checkNamespace, checkNamespaces, checkNodes, checkStatus } from "./reply-checks.js";
import type { Session } from "./session/session.js";

/** What servers say of the cluster and its namespaces. */
export class ClusterFace {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async ping(options: CallOptions): Promise<boolean> {
    try {
      await this.#session.call({ method: "GET", path: "/healthz" }, drain, options);
      return true;
    } catch (thrown) {
      if (thrown instanceof KoboldError) return false;
      throw thrown;
    }
  }

  setNamespace(name: string, policy: Partial<NamespacePolicy>, options: CallOptions): Promise<NamespaceInfo> {
    const request = {
      method: "PUT" as const,
      path: formatNamespacePath(parseNamespaceName(name)),
      headers: { "content-type": "application/json" },
      body: new TextEncoder().encode(JSON.stringify(policy)),
    };
    return this.#session.callJson(request, checkNamespace, options);
  }

  getNamespace(name: string, options: CallOptions): Promise<NamespaceInfo> {
    return this.#session.callJson({ method: "GET", path: formatNamespacePath(name) }, checkNamespace, options);
  }

  async dropNamespace(name: string, options: CallOptions): Promise<void> {
    await this.#session.call({ method: "DELETE", path: formatNamespacePath(name) }, drain, options);
  }

  listNamespaces(options: CallOptions): Promise<NamespaceInfo[]> {
    return this.#session.callJson({ method: "GET", path: "/v1/namespaces" }, checkNamespaces, options);
  }

  listNodes(options: CallOptions): Promise<NodeInfo[]> {
    return this.#session.callJson({ method: "GET", path: "/v1/nodes" }, checkNodes, options);
  }

  getStatus(options: CallOptions): Promise<StatusReply> {
    return this.#session.callJson({ method: "GET", path: "/v1/status" }, checkStatus, options);
  }
}

async function drain(response: TransportResponse): Promise<void> {
  await response.finish();
}
