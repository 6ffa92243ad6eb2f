import {
  type ChangeInfo,
  HEADER,
  KoboldError,
  type NamespaceInfo,
  type NamespacePolicy,
  type NodeInfo,
  type NodeOrderRequest,
  type NodePlan,
  parseNamespaceName,
  parseNodeName,
  type ScrubReply,
  type ScrubRequest,
  type SoleBlob,
  type StatusReply,
  type WebhookInfo,
  type WebhookRequest,
  type WebhookSecret,
} from "@koboldfs/protocol";
import { followChanges } from "./change-follower.js";
import type { CallOptions, ChangesOptions } from "./client-options.js";
import { formatNamespacePath } from "./file-address.js";
import type { TransportResponse } from "./platform.js";
import {
  checkNamespace,
  checkNamespaces,
  checkNodePlan,
  checkNodes,
  checkScrubs,
  checkSoleBlobs,
  checkStatus,
  checkWebhooks,
  checkWebhookSecret,
} from "./reply-checks.js";
import type { Session } from "./session/session.js";
import { TransactionFace } from "./transactions/transaction-face.js";

/** What servers say of the cluster and its namespaces. */
export class ClusterFace {
  readonly transactions: TransactionFace;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.transactions = new TransactionFace(session);
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
    // A second attempt after a lost answer would find no namespace any more.
    const headers = { [HEADER.idempotencyKey]: this.#session.createIdempotencyKey() };
    await this.#session.call({ method: "DELETE", path: formatNamespacePath(name), headers }, drain, options);
  }

  listNamespaces(options: CallOptions): Promise<NamespaceInfo[]> {
    return this.#session.callJson({ method: "GET", path: "/v1/namespaces" }, checkNamespaces, options);
  }

  listNodes(options: CallOptions): Promise<NodeInfo[]> {
    return this.#session.callJson({ method: "GET", path: "/v1/nodes" }, checkNodes, options);
  }

  getNodePlan(name: string, options: CallOptions): Promise<NodePlan> {
    return this.#session.callJson({ method: "GET", path: `${pathOfNode(name)}/plan` }, checkNodePlan, options);
  }

  async listSoleBlobs(name: string, options: CallOptions): Promise<SoleBlob[]> {
    const request = { method: "GET" as const, path: `${pathOfNode(name)}/sole-blobs` };
    return (await this.#session.callJson(request, checkSoleBlobs, options)).blobs;
  }

  orderNode(name: string, order: NodeOrderRequest, options: CallOptions): Promise<NodePlan> {
    const request = {
      method: "PUT" as const,
      path: `${pathOfNode(name)}/order`,
      headers: { "content-type": "application/json" },
      body: new TextEncoder().encode(JSON.stringify(order)),
    };
    return this.#session.callJson(request, checkNodePlan, options);
  }

  refillNode(name: string, options: CallOptions): Promise<NodePlan> {
    return this.#session.callJson({ method: "POST", path: `${pathOfNode(name)}/refill` }, checkNodePlan, options);
  }

  async listWebhooks(options: CallOptions): Promise<WebhookInfo[]> {
    return this.#session.callJson({ method: "GET", path: "/v1/webhooks" }, checkWebhooks, options);
  }

  addWebhook(webhook: WebhookRequest, options: CallOptions): Promise<WebhookSecret> {
    const request = {
      method: "POST" as const,
      path: "/v1/webhooks",
      // A second attempt after a lost answer must not enter a second one.
      headers: {
        "content-type": "application/json",
        [HEADER.idempotencyKey]: this.#session.createIdempotencyKey(),
      },
      body: new TextEncoder().encode(JSON.stringify(webhook)),
    };
    return this.#session.callJson(request, checkWebhookSecret, options);
  }

  async removeWebhook(id: string, options: CallOptions): Promise<void> {
    const path = `/v1/webhooks/${encodeURIComponent(id)}`;
    await this.#session.call({ method: "DELETE", path }, drain, options);
  }

  followChanges(options: ChangesOptions): AsyncIterable<ChangeInfo> {
    return followChanges(this.#session, options);
  }

  getScrubs(options: CallOptions): Promise<ScrubReply> {
    return this.#session.callJson({ method: "GET", path: "/v1/scrub" }, checkScrubs, options);
  }

  orderScrub(order: ScrubRequest, options: CallOptions): Promise<ScrubReply> {
    const request = {
      method: "POST" as const,
      path: "/v1/scrub",
      headers: { "content-type": "application/json" },
      body: new TextEncoder().encode(JSON.stringify(order)),
    };
    return this.#session.callJson(request, checkScrubs, options);
  }

  getStatus(options: CallOptions): Promise<StatusReply> {
    return this.#session.callJson({ method: "GET", path: "/v1/status" }, checkStatus, options);
  }
}

function pathOfNode(name: string): string {
  return `/v1/nodes/${parseNodeName(name)}`;
}

async function drain(response: TransportResponse): Promise<void> {
  await response.finish();
}
