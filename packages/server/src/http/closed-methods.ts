import { KoboldError } from "@koboldfs/protocol";
import type { FastifyInstance, RouteOptions } from "fastify";

/** Watches which routes are added; `close` then answers 405 with Allow for every other method of their URLs. */
export function watchRoutes(app: FastifyInstance): { close(): void } {
  const methods = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }: RouteOptions) => {
    const known = methods.get(url) ?? new Set();
    for (const one of [method].flat()) known.add(one);
    methods.set(url, known);
  });
  return {
    close() {
      for (const [url, known] of [...methods]) closeOthers(app, url, known);
    },
  };
}

function closeOthers(app: FastifyInstance, url: string, known: ReadonlySet<string>): void {
  const allow = [...known].sort().join(", ");
  const others = app.supportedMethods.filter((method) => !known.has(method));
  app.route({
    method: others,
    url,
    exposeHeadRoute: false,
    handler: (request, reply) => {
      reply.header("Allow", allow);
      throw new KoboldError("method_not_allowed", `${request.method} is not among ${allow}`);
    },
  });
}
