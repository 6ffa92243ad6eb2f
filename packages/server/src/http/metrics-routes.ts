import type { FastifyInstance } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { formatMetrics, METRICS_TYPE } from "./format-metrics.js";
import { problems } from "./schemas.js";

/** Where Prometheus looks by default. */
export function addMetricsRoutes(scope: FastifyInstance, { metrics }: ClientFaceContext): void {
  const schema = {
    summary: "The node and what it knows of the cluster as metrics, in Prometheus' text format.",
    response: {
      200: { description: "The metrics.", content: { [METRICS_TYPE]: { schema: { type: "string" } } } },
      ...problems("unauthorized", "overloaded", "shutting_down"),
    },
  };
  scope.get("/metrics", { schema, exposeHeadRoute: false }, async (_request, reply) => {
    reply.header("Content-Type", METRICS_TYPE);
    return formatMetrics(await metrics.collect());
  });
}
