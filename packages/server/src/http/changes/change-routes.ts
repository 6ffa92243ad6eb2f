import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { systemClock } from "../../runtime/clock.js";
import type { ClientFaceContext } from "../face.js";
import { problems, refTo } from "../schemas.js";
import { JSON_LINES, SERVER_EVENTS } from "./change-forms.js";
import { MAX_CHANGES, parseChangesQuery } from "./changes-query.js";
import { sendChanges } from "./send-changes.js";

export function addChangeRoutes(scope: FastifyInstance, context: ClientFaceContext): void {
  const options = { schema: changesSchema(), exposeHeadRoute: false, validatorCompiler: () => () => true };
  scope.get("/v1/changes", options, (request, reply) => followChanges(context, request, reply));
}

async function followChanges({ changes, log }: ClientFaceContext, request: FastifyRequest, reply: FastifyReply) {
  const query = parseChangesQuery(request.originalUrl, request.headers);
  const isStream = query.form === "events";
  const reader = await changes.open(query.filter, query.after ?? changes.head());
  reply.hijack();
  try {
    await sendChanges(reply.raw, {
      ...{ reader, form: isStream ? SERVER_EVENTS : JSON_LINES, endsWithFirst: !isStream },
      waitMs: query.waitMs ?? (isStream ? Number.POSITIVE_INFINITY : 0),
      limit: query.limit ?? (isStream ? Number.POSITIVE_INFINITY : MAX_CHANGES),
      ...{ stopping: changes.stopping, head: () => changes.head(), clock: systemClock },
    });
  } catch (err) {
    log.error({ err }, "an answer of changes was cut short");
    reply.raw.destroy();
  }
}

function changesSchema() {
  const text = (description: string) => ({ type: "string", description });
  const number = (description: string) => ({ type: "integer", minimum: 0, description });
  const line = { anyOf: [refTo("ChangeInfo"), refTo("ChangePosition")] };
  return {
    summary: "Follow what changes, in commit order.",
    querystring: {
      type: "object",
      properties: {
        namespace: text("Only changes of this namespace."),
        prefix: text("Only changes of keys that begin so."),
        after: number("Only changes behind this journal number; absent: from now on."),
        wait: text("How long to wait for the first change, such as 30s; at most 5m. An event stream ends after it."),
        limit: { type: "integer", minimum: 1, maximum: MAX_CHANGES, description: "End after so many changes." },
      },
    },
    headers: { type: "object", properties: { "last-event-id": text("Of an event stream: in place of `after`.") } },
    response: {
      200: {
        description: "Changes, and at last the position to go on from.",
        content: { "application/x-ndjson": { schema: line }, "text/event-stream": { schema: { type: "string" } } },
      },
      ...problems(
        "invalid_request",
        "invalid_namespace",
        "unauthorized",
        "namespace_not_found",
        "changes_gone",
        "overloaded",
        "shutting_down",
      ),
    },
  };
}
