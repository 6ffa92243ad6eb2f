import type { NodeListReply } from "@koboldfs/protocol";
import type { FastifyInstance } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { asOfHeaders } from "./file-headers.js";
import { json, problems } from "./schemas.js";

export function addStatusRoutes(scope: FastifyInstance, { status }: ClientFaceContext): void {
  const failures = problems("unauthorized", "catalog_unavailable");
  const nodes = {
    summary: "The nodes, and what each still owes.",
    response: { 200: json("NodeListReply", "The nodes."), ...failures },
  };
  scope.get("/v1/nodes", { schema: nodes, exposeHeadRoute: false }, async (_request, reply): Promise<NodeListReply> => {
    const { value, asOf } = await status.listNodes();
    if (asOf !== undefined) reply.headers(asOfHeaders(asOf));
    return { nodes: value };
  });
  const all = {
    summary: "The cluster at a glance.",
    response: { 200: json("StatusReply", "The cluster."), ...failures },
  };
  scope.get("/v1/status", { schema: all, exposeHeadRoute: false }, async (_request, reply) => {
    const answer = await status.getStatus();
    if (answer.asOf !== undefined) {
      const { number, time } = answer.asOf;
      reply.headers(asOfHeaders({ number, time: new Date(time) }));
    }
    return answer;
  });
}
