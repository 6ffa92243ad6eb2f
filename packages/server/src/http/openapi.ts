import type { SwaggerOptions } from "@fastify/swagger";
import type { SchemaName } from "./schemas.js";

/** The version of the native face, not of the software: it changes when a client must. */
const API_VERSION = "1";

/** How the OpenAPI document is made from the routes. */
export function describeApi(): SwaggerOptions {
  return {
    exposeHeadRoutes: true,
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "KoboldFS",
        version: API_VERSION,
        description: "Files by key. Failures are problem details (RFC 9457) with a stable code.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    refResolver: { buildLocalReference: (schema) => schema["$id"] as SchemaName },
  };
}
