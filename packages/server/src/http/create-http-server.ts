import { chmod } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { KoboldError } from "@koboldfs/protocol";
import fastify, { type FastifyError, type FastifyInstance } from "fastify";
import type { ClientTraffic } from "../runtime/client-traffic.js";
import type { Logger } from "../runtime/logger.js";
import { answerClientError } from "./client-errors.js";
import { createClientFace } from "./client-face.js";
import { watchRoutes } from "./closed-methods.js";
import { CorsGate, type CorsOrigins } from "./cors.js";
import { Exchanges } from "./exchange.js";
import type { ClientFaceOptions, Face } from "./face.js";
import { routeOf } from "./file-url.js";
import { createHealthFace, type ReadinessCheck } from "./health-face.js";
import { createNodeServer, type Handler, MAX_HEADER_BYTES, type Patience } from "./node-server.js";
import { logProblem, problemOf } from "./problem.js";
import { RequestGate } from "./request-gate.js";
import { clientAddressOf } from "./readers/client-address.js";
import { sendProblem } from "./send-problem.js";

/** A batch of 1,000 operations with keys of 1,024 bytes, twice, and room for its punctuation. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;
/** A put holds about 100 KiB of buffers at each end; 512 keep a node's memory below its budget of 200 MiB. */
export const MAX_RUNNING = 512;
/** What supervisors grant before they kill (systemd: 90 s, Kubernetes: 30 s). */
export const STOP_MS = 25_000;

export interface HttpServerOptions extends ClientFaceOptions, Patience {
  readonly log: Logger;
  /** Whether this node can do its work: the catalog answers, the volumes can be written. */
  readonly isReady: ReadinessCheck;
  /** Further sets of routes on the same port, such as the node face. */
  readonly faces?: readonly Face[];
  /** Requests of clients that run at once, and as many of peers. */
  readonly maxRunning?: number;
  /** Told of each request of a client. */
  readonly traffic?: Pick<ClientTraffic, "begin" | "end">;
  /** Log every answer, at debug level. Costs some speed. */
  readonly logRequests?: boolean;
  /** Web pages of other origins whose scripts may use this node; none by default. */
  readonly corsOrigins?: CorsOrigins;
  /** How long `stop` waits for running requests. */
  readonly stopMs?: number;
}

export interface HttpServer {
  /** Resolves with the port that it got. `port` 0 takes a free one. */
  start(address: { host: string; port: number }): Promise<{ port: number }>;
  /** Instead of `start`: listens on a unix socket, to the other processes of this node, and takes what it is given. */
  startBehind(path: string): Promise<void>;
  /** Serves a connection that somebody else accepted. */
  take(connection: Socket): void;
  /**
   * Refuses new requests, finishes running ones (and waits for `others`) while it may, then closes every connection.
   * Idempotent.
   */
  stop(others?: Promise<void>): Promise<void>;
}

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const exchanges = new Exchanges();
  const { app, gate } = createApp(options, exchanges);
  await addFaces(app, { ...options, exchanges });
  let stopping: Promise<void> | undefined;
  return {
    async start({ host, port }) {
      await app.listen({ host, port });
      return { port: (app.server.address() as AddressInfo).port };
    },
    async startBehind(path) {
      await app.listen({ path });
      await chmod(path, 0o600);
    },
    take(connection) {
      app.server.emit("connection", connection);
    },
    stop(others = Promise.resolve()) {
      // Followers would stay for ever.
      options.changes.stop();
      const finished = () => Promise.all([gate.stop(), others]);
      stopping ??= stopApp(app, finished, options.stopMs ?? STOP_MS);
      return stopping;
    },
  };
}

function createApp(options: HttpServerOptions, exchanges: Exchanges): { app: FastifyInstance; gate: RequestGate } {
  let gate: RequestGate | undefined;
  const app = fastify({
    serverFactory: (handler) => {
      const begin: Handler = (request, response) => {
        exchanges.begin(request, response);
        handler(request, response);
      };
      gate = new RequestGate(begin, options.maxRunning ?? MAX_RUNNING, options.traffic);
      return createNodeServer(admitPages(gate, options), exchanges, options);
    },
    clientErrorHandler: (error, socket) => answerClientError(exchanges, error, socket),
    rewriteUrl: (request) => routeOf(request.url ?? "/"),
    frameworkErrors: (error, request, reply) => {
      reply.hijack();
      sendProblem(request.raw, reply.raw, problemOf(error));
    },
    bodyLimit: MAX_JSON_BYTES,
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    // Nothing is coerced or removed in silence: what is not as described is refused.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    forceCloseConnections: true,
    return503OnClosing: false,
  });
  if (gate === undefined) throw new Error("the framework made no server");
  return { app, gate };
}

/** The way in: through CORS where an operator set that, and past it without a cost where not. */
function admitPages(gate: RequestGate, { corsOrigins = [] }: HttpServerOptions): Handler {
  const enter = gate.enter.bind(gate);
  if (corsOrigins.length === 0) return enter;
  const cors = new CorsGate(corsOrigins);
  return (request, response) => {
    if (!cors.answers(request, response)) enter(request, response);
  };
}

async function addFaces(app: FastifyInstance, options: HttpServerOptions & { exchanges: Exchanges }): Promise<void> {
  const { log } = options;
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error);
    logProblem(log, problem, error);
    for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value ?? "");
    reply.hijack();
    sendProblem(request.raw, reply.raw, problem);
  });
  app.setNotFoundHandler((request) => {
    throw new KoboldError("route_not_found", `there is nothing at ${request.originalUrl.slice(0, 200)}`);
  });
  if (options.logRequests) logRequests(app, log);
  const routes = watchRoutes(app);
  const faces = [createHealthFace(options.isReady), createClientFace(options), ...(options.faces ?? [])];
  for (const face of faces) await app.register(face);
  routes.close();
  await app.ready();
}

function logRequests(app: FastifyInstance, log: Logger): void {
  const clients = new WeakMap<IncomingMessage, string | undefined>();
  app.addHook("onRequest", (request, _reply, done) => {
    clients.set(request.raw, clientAddressOf(request.raw));
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method, originalUrl: url } = request;
    const fields = {
      method,
      url,
      ip: clients.get(request.raw),
      status: reply.raw.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    log.debug(fields, "answered a request");
    done();
  });
}

async function stopApp(app: FastifyInstance, finished: () => Promise<unknown>, stopMs: number): Promise<void> {
  app.server.closeIdleConnections();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, stopMs);
  });
  await Promise.race([finished(), late]);
  clearTimeout(timer);
  await app.close();
}
