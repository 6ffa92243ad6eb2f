import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from "node:http";
import { KoboldError } from "@koboldfs/protocol";
import type { OpenBlob, ByteRange } from "../../blobs/blob-store.js";
import type { Logger } from "../../runtime/logger.js";
import type { Exchange } from "../exchange.js";
import { askForBody } from "../expect-continue.js";
import { problemOf } from "../problem.js";
import { sendProblem } from "../send-problem.js";
import { pairsOf, passedReplyHeaders, passedRequestHeaders } from "./passed-headers.js";

/** Less than the node process keeps idle connections: none is used in the moment in which that closes it. */
const IDLE_MS = 30_000;
/** As many as a busy reader uses again and again; each is a descriptor in two processes. */
const MAX_IDLE = 64;
/** Nothing that begins like this is a request. */
const NO_REQUEST = "\0";

export interface NodeLinkOptions {
  /** The unix socket on which the node process listens. */
  readonly path: string;
  readonly log: Logger;
}

/** The way from a reader process to its node process. */
export class NodeLink {
  readonly #path: string;
  readonly #log: Logger;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE, timeout: IDLE_MS, scheduling: "lifo" });

  constructor({ path, log }: NodeLinkOptions) {
    this.#path = path;
    this.#log = log;
  }

  /**
   * Lets the node process answer: request and answer pass unchanged, as fast as the slower side takes them, and who
   * breaks off on one side breaks off on the other.
   */
  handOn({ request, response, broken }: Exchange): void {
    const call = this.#open(request);
    let isAnswered = false;
    // The client is gone, or what it sent was no HTTP any more.
    response.once("close", () => {
      if (!isAnswered) call.destroy();
    });
    call.on("continue", () => askForBody(request));
    call.once("response", (reply) => {
      passReply(reply, response, () => {
        isAnswered = true;
      });
    });
    call.on("error", (error: NodeJS.ErrnoException) => {
      if (!isAnswered) this.#fail(request, response, error);
    });
    passBody(request, call);
    // The node process shall see what this one's parser saw, and decide what that means for what runs.
    const spoil = () => void call.socket?.write(NO_REQUEST);
    const spoilBehind = () => {
      if (call.writableFinished) spoil();
      else call.once("finish", spoil);
    };
    broken.signal.addEventListener("abort", spoilBehind, { once: true });
  }

  /** The bytes of one version of a file, of which this process has no good copy. Throws `blob_unavailable`. */
  openVersion(wanted: WantedVersion, range: ByteRange | undefined): Promise<OpenBlob> {
    const { path, authorization, sizeBytes } = wanted;
    const headers = {
      ...(authorization !== undefined && { authorization }),
      ...(range !== undefined && { range: `bytes=${range.start}-${range.end - 1}` }),
    };
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) =>
        reject(new KoboldError("blob_unavailable", "the node process did not send it either", { cause }));
      const call = openRequest({ socketPath: this.#path, path, headers, agent: this.#agent });
      call.once("error", fail);
      call.once("response", (reply) => {
        if (reply.statusCode === (range === undefined ? 200 : 206)) return resolve({ sizeBytes, content: reply });
        reply.resume();
        fail(new Error(`it answered ${reply.statusCode}`));
      });
      call.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(request: IncomingMessage): ClientRequest {
    const headers = passedRequestHeaders(request.rawHeaders, request.socket.remoteAddress);
    // Said by who leaves it out too (RFC 9112 section 6.3), before the framework of this side assumes something else.
    if (request.method !== "GET" && request.method !== "HEAD" && !isFramed(request))
      headers.push("Content-Length", "0");
    return openRequest({
      ...{ socketPath: this.#path, agent: this.#agent, method: request.method, path: request.url },
      // Typed as an object, taken as the list that it is.
      headers: headers as unknown as Record<string, string>,
    });
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: NodeJS.ErrnoException): void {
    if (response.destroyed) return;
    // It never got there: more than its queue holds wait to be let in.
    if (error.syscall === "connect" && !response.headersSent) {
      const refusal = new KoboldError("overloaded", "the node process does not take more connections", {
        cause: error,
      });
      return sendProblem(request, response, problemOf(refusal));
    }
    this.#log.warn({ err: error, url: request.url }, "an answer of the node process broke off");
    // Nobody knows what came of it, and half an answer must not look like a whole one.
    response.destroy();
  }
}

export interface WantedVersion {
  /** Its URL, with the version. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly sizeBytes: number;
}

function isFramed({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

function passBody(request: IncomingMessage, call: ClientRequest): void {
  if (!isFramed(request)) {
    call.end();
    return;
  }
  // Who waits for a 100 is not asked yet, and the node process must hear of it now.
  call.flushHeaders();
  request.pipe(call, { end: false });
  request.once("end", () => {
    if (request.rawTrailers.length > 0) call.addTrailers(pairsOf(request.rawTrailers));
    call.end();
  });
}

function passReply(reply: IncomingMessage, response: ServerResponse, answered: () => void): void {
  response.writeHead(reply.statusCode ?? 502, reply.statusMessage, passedReplyHeaders(reply.rawHeaders));
  // The head may be all there is for a while: followers of changes wait behind it.
  if (reply.headers["content-length"] === undefined) response.flushHeaders();
  reply.pipe(response, { end: false });
  reply.once("end", () => {
    answered();
    if (reply.rawTrailers.length > 0) response.addTrailers(pairsOf(reply.rawTrailers));
    response.end();
  });
  // Cut short there, cut short here: it is no whole answer.
  reply.on("error", () => response.destroy());
}
