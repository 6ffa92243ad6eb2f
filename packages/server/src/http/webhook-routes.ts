import { HEADER, type WebhookListReply, type WebhookRequest } from "@koboldfs/protocol";
import type { FastifyInstance } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { parseIdempotencyKey } from "./put-headers.js";
import { json, problems, refTo } from "./schemas.js";

const WEBHOOK = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };

export function addWebhookRoutes(scope: FastifyInstance, { webhooks }: ClientFaceContext): void {
  const list = { schema: listSchema(), exposeHeadRoute: false };
  scope.get("/v1/webhooks", list, async (): Promise<WebhookListReply> => ({ webhooks: await webhooks.list() }));
  scope.post("/v1/webhooks", { schema: addSchema() }, async (request, reply) => {
    reply.code(201);
    return webhooks.add(request.body as WebhookRequest, parseIdempotencyKey(request.headers));
  });
  scope.delete<{ Params: { id: string } }>("/v1/webhooks/:id", { schema: removeSchema() }, async (request, reply) => {
    await webhooks.remove(request.params.id);
    await reply.code(204).send();
  });
}

function listSchema() {
  return {
    summary: "Who is told of changes, and how far each is.",
    response: { 200: json("WebhookListReply", "The webhooks."), ...problems("unauthorized", "catalog_unavailable") },
  };
}

function addSchema() {
  return {
    summary: "Tell a URL of every change from now on.",
    headers: { type: "object", properties: { [HEADER.idempotencyKey]: { type: "string" } } },
    body: refTo("WebhookRequest"),
    response: {
      201: json("WebhookSecret", "Entered. The secret is not shown again."),
      ...problems(
        "invalid_request",
        "invalid_namespace",
        "unauthorized",
        "namespace_not_found",
        "too_many_webhooks",
        "idempotency_key_reused",
        "unsupported_media_type",
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}

function removeSchema() {
  return {
    summary: "Tell this URL nothing any more.",
    params: WEBHOOK,
    response: {
      204: { description: "Removed.", type: "null" },
      ...problems("unauthorized", "webhook_not_found", "catalog_unavailable", "commit_contended"),
    },
  };
}
