import { HEADER } from "@koboldfs/protocol";
import type { FastifyInstance } from "fastify";
import { type Batch, runBatch } from "./batch.js";
import type { ClientFaceContext } from "./face.js";
import { asOfHeaders } from "./file-headers.js";
import { parseListingUrl } from "./file-url.js";
import { parseListQuery } from "./list-query.js";
import { parseIdempotencyKey } from "./put-headers.js";
import { IN_TRANSACTION, json, problems, refTo } from "./schemas.js";
import { parseReadView, parseTransaction } from "./transaction-header.js";
import { toDeletedListReply, toListReply } from "./wire-file.js";

const NAMESPACE = { type: "object", properties: { namespace: { type: "string" } }, required: ["namespace"] };

const TRANSACTION = { type: "string", description: "As this transaction sees it, or staged in it." };

/** Parsed by hand from the request line: a prefix is a piece of a key, and as strict. */
const LIST_PARAMETERS = {
  type: "object",
  properties: {
    prefix: { type: "string", description: "Only keys that begin so." },
    delimiter: { type: "string", description: "Fold keys that have this text behind the prefix into `prefixes`." },
    after: { type: "string", description: "Only keys and prefixes behind this one: `next` of the page before." },
    limit: { type: "integer", minimum: 1, maximum: 1000, default: 1000 },
    "as-of": { type: "string", description: "The files as they were: a journal number, or an RFC 3339 time." },
    consistency: {
      type: "string",
      description:
        "`mirror`: from this node's mirror, without asking the catalog; says Koboldfs-As-Of and Koboldfs-Mirror-Age.",
    },
    deleted: { type: "string", description: "Keys that can be undeleted, with their last content (DeletedListReply)." },
  },
};

export function addListingRoutes(scope: FastifyInstance, { auth, files }: ClientFaceContext): void {
  const url = "/v1/files/:namespace";
  scope.get(
    url,
    { schema: listSchema(), exposeHeadRoute: false, validatorCompiler: () => () => true },
    async (request, reply) => {
      const { namespace, query: text } = parseListingUrl(request.originalUrl);
      const { asOf: past, isOfDeleted, consistency, ...query } = parseListQuery(text);
      if (isOfDeleted === true) return toDeletedListReply(await files.history.listDeleted(namespace, query));
      if (past !== undefined) return toListReply(await files.history.listAsOf(namespace, query, past));
      const { value, asOf } = await files.list(namespace, query, parseReadView(auth, request.headers, consistency));
      if (asOf !== undefined) reply.headers(asOfHeaders(asOf));
      return toListReply(value);
    },
  );
  scope.post(url, { schema: batchSchema() }, async (request, reply) => {
    const { namespace } = parseListingUrl(request.originalUrl);
    const { operations } = request.body as Pick<Batch, "operations">;
    const idempotencyKey = parseIdempotencyKey(request.headers);
    const transaction = parseTransaction(auth, request.headers);
    const done = await runBatch(files, {
      ...{ namespace, operations },
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(transaction !== undefined && { transaction }),
    });
    if (done.steps !== undefined) reply.header(HEADER.steps, done.steps);
    return done;
  });
}

function listSchema() {
  return {
    summary: "List files by key, in the order of the keys' bytes.",
    params: NAMESPACE,
    querystring: LIST_PARAMETERS,
    headers: { type: "object", properties: { [HEADER.transaction]: TRANSACTION } },
    response: {
      200: json("ListReply", "A page."),
      ...problems(
        "invalid_namespace",
        "invalid_request",
        "unauthorized",
        "namespace_not_found",
        "history_gone",
        ...IN_TRANSACTION,
        "catalog_unavailable",
        "unknown_as_of",
      ),
    },
  };
}

function batchSchema() {
  return {
    summary: "Delete, copy, rename, undelete and restore many files in one commit, each decided alone.",
    params: NAMESPACE,
    headers: {
      type: "object",
      properties: { [HEADER.idempotencyKey]: { type: "string" }, [HEADER.transaction]: TRANSACTION },
    },
    body: refTo("BatchRequest"),
    response: {
      200: json("BatchReply", "What became of each operation, in order."),
      ...problems(
        "invalid_namespace",
        "invalid_request",
        "unauthorized",
        "namespace_not_found",
        "unsupported_media_type",
        "too_large",
        ...IN_TRANSACTION,
        "catalog_unavailable",
        "commit_contended",
      ),
    },
  };
}
