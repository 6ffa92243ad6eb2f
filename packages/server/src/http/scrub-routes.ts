import type { ScrubReply, ScrubRequest } from "@koboldfs/protocol";
import type { FastifyInstance } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { json, problems, refTo } from "./schemas.js";

/** How nodes are told to read again what they hold, and what they found. */
export function addScrubRoutes(scope: FastifyInstance, { scrubs }: ClientFaceContext): void {
  const get = {
    summary: "How far each node has read its copies again, and what it found.",
    response: { 200: json("ScrubReply", "Every node."), ...problems("unauthorized", "shutting_down") },
  };
  scope.get("/v1/scrub", { schema: get, exposeHeadRoute: false }, (): Promise<ScrubReply> => scrubs.getScrubs());
  const order = {
    summary: "Have one node, or all, read everything again now, as fast as they can.",
    body: refTo("ScrubRequest"),
    response: {
      200: json("ScrubReply", "The nodes that were asked."),
      ...problems(
        "invalid_node_name",
        "invalid_request",
        "unauthorized",
        "unsupported_media_type",
        "node_not_found",
        "peer_failed",
        "shutting_down",
      ),
    },
  };
  scope.post("/v1/scrub", { schema: order }, (request): Promise<ScrubReply> => {
    return scrubs.order(request.body as ScrubRequest);
  });
}
