import { type NodeOrderRequest, type NodePlan, parseNodeName, type SoleBlobsReply } from "@koboldfs/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { json, problems, refTo } from "./schemas.js";

const NODE = { type: "object", properties: { node: { type: "string" } }, required: ["node"] };
const URL = "/v1/nodes/:node";

/** What operators ask and order of single nodes. */
export function addNodeRoutes(scope: FastifyInstance, { nodes }: ClientFaceContext): void {
  scope.get(`${URL}/plan`, { schema: planSchema(), exposeHeadRoute: false }, (request): Promise<NodePlan> => {
    return nodes.getPlan(nameOf(request));
  });
  const blobs = { schema: blobsSchema(), exposeHeadRoute: false };
  scope.get(`${URL}/sole-blobs`, blobs, async (request): Promise<SoleBlobsReply> => {
    return { blobs: await nodes.listSoleBlobs(nameOf(request)) };
  });
  scope.put(`${URL}/order`, { schema: orderSchema() }, async (request): Promise<NodePlan> => {
    const { order, force = false } = request.body as NodeOrderRequest;
    await nodes.order(nameOf(request), { order, force });
    return nodes.getPlan(nameOf(request));
  });
  scope.post(`${URL}/refill`, { schema: refillSchema() }, async (request): Promise<NodePlan> => {
    await nodes.refill(nameOf(request));
    return nodes.getPlan(nameOf(request));
  });
}

function nameOf(request: FastifyRequest) {
  return parseNodeName((request.params as { node: string }).node);
}

function planSchema() {
  return {
    summary: "What would become of the files if this node were not there.",
    params: NODE,
    response: {
      200: json("NodePlan", "The plan."),
      ...problems("invalid_node_name", "unauthorized", "node_not_found", "catalog_unavailable"),
    },
  };
}

function blobsSchema() {
  return {
    summary: "The first blobs that no other node is known to have.",
    params: NODE,
    response: {
      200: json("SoleBlobsReply", "The blobs."),
      ...problems("invalid_node_name", "unauthorized", "node_not_found", "catalog_unavailable"),
    },
  };
}

function orderSchema() {
  return {
    summary: "Order a state: alive, readonly, draining, or dead for ever.",
    params: NODE,
    body: refTo("NodeOrderRequest"),
    response: {
      200: json("NodePlan", "The plan as it is now."),
      ...problems(
        "invalid_node_name",
        "invalid_request",
        "unauthorized",
        "unsupported_media_type",
        "node_not_found",
        "node_dead",
        "last_holder",
        "sole_copies",
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}

function refillSchema() {
  return {
    summary: "Let a node come back without its disks, and be filled from the others.",
    params: NODE,
    response: {
      200: json("NodePlan", "The plan as it is now."),
      ...problems(
        "invalid_node_name",
        "unauthorized",
        "node_not_found",
        "node_dead",
        "node_running",
        "last_holder",
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}
