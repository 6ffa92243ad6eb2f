import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { addBundleRoutes } from "./bundle-routes.js";
import { askForBody } from "./expect-continue.js";
import type { ClientFaceContext, Face } from "./face.js";
import { addChangeRoutes } from "./changes/change-routes.js";
import { addFileRoutes } from "./file-routes.js";
import { addHistoryRoutes } from "./history-routes.js";
import { addListingRoutes } from "./listing-routes.js";
import { addMetricsRoutes } from "./metrics-routes.js";
import { addNamespaceRoutes } from "./namespace-routes.js";
import { addNodeRoutes } from "./node-routes.js";
import { describeApi } from "./openapi.js";
import { addScrubRoutes } from "./scrub-routes.js";
import { SCHEMAS } from "./schemas.js";
import { addStatusRoutes } from "./status-routes.js";
import { addTransactionRoutes } from "./transaction-routes.js";
import { addWebhookRoutes } from "./webhook-routes.js";
import { addUploadRoutes, announceTus } from "./uploads/upload-routes.js";

/** The native face, for clients: everything under `/v1`, and the metrics. */
export function createClientFace(context: ClientFaceContext): Face {
  return async (scope) => {
    scope.addHook("onRequest", announceTus);
    scope.addHook("onRequest", (request, _reply, done) => {
      context.auth.check(request.headers.authorization);
      done();
    });
    // The schemas describe answers; a compiled serializer for each of their failures would cost 20 MB and a second.
    scope.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
    for (const schema of SCHEMAS) scope.addSchema(schema);
    await scope.register(swagger, describeApi());
    await scope.register(async (files: FastifyInstance) => {
      passBodiesUnread(files);
      addFileRoutes(files, context);
    });
    await scope.register(async (uploads: FastifyInstance) => {
      passBodiesUnread(uploads);
      addUploadRoutes(uploads, context);
    });
    await scope.register(async (rest: FastifyInstance) => {
      rest.addHook("preParsing", async (request, _reply, payload) => {
        askForBody(request.raw);
        return payload;
      });
      addListingRoutes(rest, context);
      addBundleRoutes(rest, context);
      addHistoryRoutes(rest, context);
      addTransactionRoutes(rest, context);
      addNamespaceRoutes(rest, context);
      addNodeRoutes(rest, context);
      addStatusRoutes(rest, context);
      addMetricsRoutes(rest, context);
      addChangeRoutes(rest, context);
      addScrubRoutes(rest, context);
      addWebhookRoutes(rest, context);
    });
    scope.get("/openapi.json", { schema: { hide: true } }, () => scope.swagger());
  };
}

/** A file may have any type, JSON too: its bytes are the handler's. */
function passBodiesUnread(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
}
