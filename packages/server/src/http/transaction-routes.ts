import type { BeginRequest, FinishRequest, TransactionListReply, TransactionState } from "@koboldfs/protocol";
import { HEADER } from "@koboldfs/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { FinishChange } from "../model/change.js";
import type { ClientFaceContext } from "./face.js";
import { parseIdempotencyKey } from "./put-headers.js";
import { json, problems, refTo } from "./schemas.js";

const ID = { type: "object", properties: { id: { type: "string" } }, required: ["id"] };
const DEFAULT_LIMIT = 1000;

/** The ways in which a transaction goes on, as they stand in the URL. */
const STEPS: Readonly<Record<string, { readonly kind: FinishChange["kind"]; readonly summary: string }>> = {
  prepare: {
    kind: "prepare-transaction",
    summary: "Check all that the commit could refuse and hold the keys: afterwards the commit cannot fail.",
  },
  commit: { kind: "commit-transaction", summary: "Make everything that is staged current at once." },
  abort: { kind: "abort-transaction", summary: "Forget everything that is staged." },
};

export function addTransactionRoutes(scope: FastifyInstance, { auth, files }: ClientFaceContext): void {
  const { transactions } = files;
  const ownerOf = (request: FastifyRequest) => auth.check(request.headers.authorization).id;
  scope.post(
    "/v1/transactions",
    { schema: beginSchema(), preValidation: takeNoBodyForEmpty },
    async (request, reply) => {
      const { ttlMs, coordinator } = request.body as BeginRequest;
      const idempotencyKey = parseIdempotencyKey(request.headers);
      const info = await transactions.begin({
        owner: ownerOf(request),
        ...(ttlMs !== undefined && { ttlMs }),
        ...(coordinator !== undefined && { coordinator }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      });
      reply.code(201).header("Location", `/v1/transactions/${info.id}`);
      return info;
    },
  );
  scope.get(
    "/v1/transactions",
    { schema: listSchema(), exposeHeadRoute: false },
    (request): Promise<TransactionListReply> => {
      const { state, after, limit } = request.query as { state?: TransactionState; after?: string; limit?: string };
      return transactions.list({
        ...(state !== undefined && { state }),
        ...(after !== undefined && { after }),
        limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
      });
    },
  );
  scope.get("/v1/transactions/:id", { schema: getSchema(), exposeHeadRoute: false }, (request) => {
    return transactions.get(idOf(request));
  });
  for (const [name, { kind, summary }] of Object.entries(STEPS)) {
    const url = `/v1/transactions/:id/${name}`;
    scope.post(url, { schema: finishSchema(summary), preValidation: takeNoBodyForEmpty }, (request) => {
      const { force = false, steps = 0 } = request.body as FinishRequest;
      return transactions.finish(kind, { id: idOf(request), owner: ownerOf(request) }, { force, steps });
    });
  }
}

function takeNoBodyForEmpty(request: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  request.body ??= {};
  done();
}

function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id;
}

function beginSchema() {
  return {
    summary: "Begin a transaction.",
    headers: { type: "object", properties: { [HEADER.idempotencyKey]: { type: "string" } } },
    body: refTo("BeginRequest"),
    response: {
      201: json("TransactionInfo", "It is open: name it in the header Koboldfs-Transaction."),
      ...problems(
        ...(["invalid_request", "unauthorized", "unsupported_media_type", "idempotency_key_reused"] as const),
        ...(["too_many_transactions", "catalog_unavailable", "commit_contended"] as const),
      ),
    },
  };
}

function listSchema() {
  return {
    summary: "Transactions by id, also those that ended within 30 days.",
    querystring: {
      type: "object",
      properties: {
        state: { type: "string", enum: ["open", "prepared", "committed", "aborted"] },
        after: { type: "string", description: "Only those behind this one: `next` of the page before." },
        limit: { type: "string", pattern: "^(1000|[1-9][0-9]{0,2})$", description: "1 to 1,000." },
      },
      additionalProperties: false,
    },
    response: {
      200: json("TransactionListReply", "A page."),
      ...problems("invalid_request", "unauthorized", "catalog_unavailable"),
    },
  };
}

function getSchema() {
  return {
    summary: "How a transaction stands, or what came of it.",
    params: ID,
    response: {
      200: json("TransactionReply", "The transaction, with what it has staged."),
      ...problems("unauthorized", "transaction_not_found", "catalog_unavailable"),
    },
  };
}

function finishSchema(summary: string) {
  return {
    summary,
    params: ID,
    body: refTo("FinishRequest"),
    response: {
      200: json("TransactionInfo", "How it stands now. A repetition gets the same answer, at every node."),
      ...problems(
        ...(["invalid_request", "unauthorized", "unsupported_media_type", "transaction_not_yours"] as const),
        ...(["transaction_not_found", "transaction_conflict", "key_locked", "transaction_finished"] as const),
        ...(["transaction_expired", "too_few_copies", "catalog_unavailable", "commit_contended"] as const),
        "quota_exceeded",
        "overloaded",
      ),
    },
  };
}
