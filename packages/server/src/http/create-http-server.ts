import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KoboldError } from "@koboldfs/protocol";
import fastify, { type FastifyError, type FastifyInstance } from "fastify";
import type { Logger } from "../runtime/logger.js";
import { answerClientError } from "./client-errors.js";
import { createClientFace } from "./client-face.js";
import { watchRoutes } from "./closed-methods.js";
import { CorsGate, type CorsOrigins } from "./cors.js";
import { Exchanges } from "./exchange.js";
import { handleExpectations } from "./expect-continue.js";
import type { ClientFaceOptions, Face } from "./face.js";
import { routeOf } from "./file-url.js";
import { createHealthFace, type ReadinessCheck } from "./health-face.js";
import { logProblem, problemOf } from "./problem.js";
import { RequestGate } from "./request-gate.js";
import { sendProblem } from "./send-problem.js";
import { cutStalledClients } from "./stalled-clients.js";

/** A batch of 1,000 operations with keys of 1,024 bytes, twice, and room for its punctuation. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;
/** The longest key takes 3 KiB, the metadata 8. */
const MAX_HEADER_BYTES = 16 * 1024;
/** A whole request line and headers fit one or two packets; half a minute serves the worst line. */
const HEADERS_TIMEOUT_MS = 30_000;
/** Longer than clients keep idle connections, so that it is they who close them and never while a request is on its way. */
const KEEP_ALIVE_MS = 65_000;
/** A put holds about 100 KiB of buffers at each end; 512 keep a node's memory below its budget of 200 MiB. */
const MAX_RUNNING = 512;
const MAX_CONNECTIONS = 8192;
/** A mobile link's longest silence. */
const IDLE_MS = 60_000;
/** What supervisors grant before they kill (systemd: 90 s, Kubernetes: 30 s). */
const STOP_MS = 25_000;

export interface HttpServerOptions extends ClientFaceOptions {
  readonly log: Logger;
  /** Whether this node can do its work: the catalog answers, the volumes can be written. */
  readonly isReady: ReadinessCheck;
  /** Further sets of routes on the same port, such as the node face. */
  readonly faces?: readonly Face[];
  /** Requests of clients that run at once, and as many of peers. */
  readonly maxRunning?: number;
  /** Log every answer, at debug level. Costs some speed. */
  readonly logRequests?: boolean;
  /** Web pages of other origins whose scripts may use this node; none by default. */
  readonly corsOrigins?: CorsOrigins;
  /** How long a client that owes the next byte may be silent. */
  readonly idleMs?: number;
  /** How long `stop` waits for running requests. */
  readonly stopMs?: number;
}

export interface HttpServer {
  /** Resolves with the port that it got. `port` 0 takes a free one. */
  start(address: { host: string; port: number }): Promise<{ port: number }>;
  /** Refuses new requests, finishes running ones while it may, then closes every connection. Idempotent. */
  stop(): Promise<void>;
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
    stop() {
      // Followers would stay for ever.
      options.changes.stop();
      stopping ??= stopApp(app, gate, options.stopMs ?? STOP_MS);
      return stopping;
    },
  };
}

function createApp(options: HttpServerOptions, exchanges: Exchanges): { app: FastifyInstance; gate: RequestGate } {
  let gate: RequestGate | undefined;
  const app = fastify({
    serverFactory: (handler) => {
      gate = new RequestGate((request, response) => {
        exchanges.begin(request, response);
        handler(request, response);
      }, options.maxRunning ?? MAX_RUNNING);
      return createNodeServer(admitPages(gate, options), exchanges, options.idleMs ?? IDLE_MS);
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

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The way in: through CORS where an operator set that, and past it without a cost where not. */
function admitPages(gate: RequestGate, { corsOrigins = [] }: HttpServerOptions): Handler {
  const enter = gate.enter.bind(gate);
  if (corsOrigins.length === 0) return enter;
  const cors = new CorsGate(corsOrigins);
  return (request, response) => {
    if (!cors.answers(request, response)) enter(request, response);
  };
}

function createNodeServer(handler: Handler, exchanges: Exchanges, idleMs: number): Server {
  const server = createServer(
    {
      noDelay: true,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 6,
      // A large file takes its time; `cutStalledClients` finds those that do not move.
      requestTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    handler,
  );
  server.maxConnections = MAX_CONNECTIONS;
  handleExpectations(server, handler);
  cutStalledClients(server, exchanges, idleMs);
  return server;
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
  app.addHook("onResponse", (request, reply, done) => {
    const { method, originalUrl: url, ip } = request;
    const fields = { method, url, ip, status: reply.raw.statusCode, ms: Math.round(reply.elapsedTime) };
    log.debug(fields, "answered a request");
    done();
  });
}

async function stopApp(app: FastifyInstance, gate: RequestGate, stopMs: number): Promise<void> {
  app.server.closeIdleConnections();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, stopMs);
  });
  await Promise.race([gate.stop(), late]);
  clearTimeout(timer);
  await app.close();
}
