import { HEADER, parseFileKey, parseNamespaceName, type RestoreRequest } from "@koboldfs/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ClientFaceContext } from "./face.js";
import { parsePastPoint } from "./past-query.js";
import { parseIdempotencyKey } from "./put-headers.js";
import { json, problems, refTo } from "./schemas.js";
import { refuseTransaction } from "./transaction-header.js";

const NAMESPACE = { type: "object", properties: { namespace: { type: "string" } }, required: ["namespace"] };

export function addHistoryRoutes(scope: FastifyInstance, { files }: ClientFaceContext): void {
  scope.post("/v1/restores/:namespace", { schema: restoreSchema() }, (request) => {
    refuseTransaction(request.headers);
    const { prefix, asOf } = request.body as RestoreRequest;
    const idempotencyKey = parseIdempotencyKey(request.headers);
    return files.history.restorePrefix({
      ...{ namespace: namespaceOf(request), prefix, asOf: parsePastPoint(asOf) },
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    });
  });
  scope.post("/v1/purges/:namespace", { schema: purgeSchema() }, (request) => {
    refuseTransaction(request.headers);
    const { key, version } = request.body as { key: string; version?: number };
    const which = { namespace: namespaceOf(request), key: parseFileKey(key) };
    return files.history.purge({ ...which, ...(version !== undefined && { version }) });
  });
}

function namespaceOf(request: FastifyRequest) {
  return parseNamespaceName((request.params as { namespace: string }).namespace);
}

function restoreSchema() {
  return {
    summary: "Make every key below a prefix what it was at a moment, in one commit.",
    params: NAMESPACE,
    headers: { type: "object", properties: { [HEADER.idempotencyKey]: { type: "string" } } },
    body: refTo("RestoreRequest"),
    response: {
      200: json("RestoreReply", "What that changed."),
      ...problems(
        "invalid_namespace",
        "invalid_request",
        "unauthorized",
        "namespace_not_found",
        "history_gone",
        "idempotency_key_reused",
        "unsupported_media_type",
        "too_large",
        "quota_exceeded",
        "key_locked",
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}

function purgeSchema() {
  return {
    summary: "Remove one version of a key, or all, for ever and without waiting for the retention.",
    params: NAMESPACE,
    body: refTo("PurgeRequest"),
    response: {
      200: json(
        "PurgeReply",
        "Nothing of it can be read any more; `pending` nodes have its bytes on their disks still.",
      ),
      ...problems(
        "invalid_namespace",
        "invalid_key",
        "invalid_request",
        "unauthorized",
        "namespace_not_found",
        "not_found",
        "version_not_found",
        "key_locked",
        "unsupported_media_type",
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}
