import { HEADER, type NamespaceListReply, type NamespacePolicy, parseNamespaceName } from "@koboldfs/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { parseIdempotencyKey } from "./put-headers.js";
import { json, problems, refTo } from "./schemas.js";

const NAMESPACE = { type: "object", properties: { namespace: { type: "string" } }, required: ["namespace"] };
const DEFAULT_POLICY: NamespacePolicy = { minCopies: 1 };

export function addNamespaceRoutes(scope: FastifyInstance, { namespaces }: ClientFaceContext): void {
  const url = "/v1/namespaces/:namespace";
  scope.put(url, { schema: putSchema(), preValidation: takeNoBodyForEmpty }, (request) => {
    return namespaces.put(nameOf(request), { ...DEFAULT_POLICY, ...(request.body as Partial<NamespacePolicy>) });
  });
  scope.get(url, { schema: getSchema(), exposeHeadRoute: false }, (request) => namespaces.get(nameOf(request)));
  scope.delete(url, { schema: deleteSchema() }, async (request, reply) => {
    await namespaces.delete(nameOf(request), parseIdempotencyKey(request.headers));
    await reply.code(204).send();
  });
  scope.get(
    "/v1/namespaces",
    { schema: listSchema(), exposeHeadRoute: false },
    async (): Promise<NamespaceListReply> => {
      return { namespaces: await namespaces.list() };
    },
  );
}

/** Without a body the policy is the default one. */
function takeNoBodyForEmpty(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body ??= {};
  done();
}

function nameOf(request: FastifyRequest) {
  return parseNamespaceName((request.params as { namespace: string }).namespace);
}

function putSchema() {
  return {
    summary: "Create a namespace, or replace its policy.",
    params: NAMESPACE,
    body: refTo("NamespacePolicy"),
    response: {
      200: json("NamespaceInfo", "The namespace as it is now."),
      ...problems(
        "invalid_namespace",
        "invalid_request",
        "unauthorized",
        "unsupported_media_type",
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}

function getSchema() {
  return {
    summary: "A namespace: its policy, and how much is in it.",
    params: NAMESPACE,
    response: {
      200: json("NamespaceInfo", "The namespace."),
      ...problems("invalid_namespace", "unauthorized", "namespace_not_found", "catalog_unavailable"),
    },
  };
}

function deleteSchema() {
  return {
    summary: "Drop an empty namespace.",
    params: NAMESPACE,
    headers: { type: "object", properties: { [HEADER.idempotencyKey]: { type: "string" } } },
    response: {
      204: { description: "Dropped.", type: "null" },
      ...problems(
        "invalid_namespace",
        "invalid_request",
        "unauthorized",
        "namespace_not_found",
        "namespace_not_empty",
        "key_locked",
        "idempotency_key_reused",
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}

function listSchema() {
  return {
    summary: "All namespaces, by name.",
    response: {
      200: json("NamespaceListReply", "The namespaces."),
      ...problems("unauthorized", "catalog_unavailable"),
    },
  };
}
