import type { IncomingMessage, ServerResponse } from "node:http";
import { KoboldError } from "@koboldfs/protocol";
import type { ClientTraffic } from "../runtime/client-traffic.js";
import { problemOf } from "./problem.js";
import { sendProblem } from "./send-problem.js";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answered whatever the load, and when stopping: an overloaded node must not look like a dead one. */
const ALIVE_PATH = "/healthz";
/** Answered whatever the load, but no longer when stopping. */
const READY_PATH = "/readyz";
const PEER_PREFIX = "/v1/node/";
/** To put here is a part of a client's put at a peer. */
const PEER_BLOBS = `${PEER_PREFIX}blobs/`;
/** What is looked at again and again, by operators and programs, and nobody waits for. */
const WATCHED_PATH = /^\/(v1\/(changes|nodes|status)|metrics)\b/;
/** Followers of changes: they wait most of the time, and must not take the places of those who work. */
const FOLLOWER_PATH = /^\/v1\/changes(\?|$)/;

/**
 * Bounds the requests that run at once, and lets none in when the node stops. Clients and peers are counted apart:
 * a put holds a place here while it waits for a place at the peer, and with one count two full nodes would wait for
 * each other. So are those who follow changes.
 */
export class RequestGate {
  readonly #handler: Handler;
  readonly #maxRunning: number;
  readonly #traffic: Pick<ClientTraffic, "begin" | "end"> | undefined;
  readonly #clients = { running: 0 };
  readonly #peers = { running: 0 };
  readonly #followers = { running: 0 };
  #stopping = false;
  #onIdle: (() => void) | undefined;

  /** `maxRunning` for clients, and as many again for peers and for followers. `traffic` is told of what is done for clients. */
  constructor(handler: Handler, maxRunning: number, traffic?: Pick<ClientTraffic, "begin" | "end">) {
    this.#handler = handler;
    this.#maxRunning = maxRunning;
    this.#traffic = traffic;
  }

  enter(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? "";
    if (url === ALIVE_PATH) this.#handler(request, response);
    else if (this.#stopping) refuse(request, response, new KoboldError("shutting_down", "this node is stopping"));
    else if (url === READY_PATH) this.#handler(request, response);
    else {
      const count = this.#countOf(url);
      if (count.running < this.#maxRunning) this.#admit(count, request, response);
      else refuse(request, response, new KoboldError("overloaded", `${count.running} requests are running already`));
    }
  }

  /** Lets nobody in from now on; resolves when the last request that is inside has its answer. */
  stop(): Promise<void> {
    this.#stopping = true;
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#checkIdle();
    });
  }

  /** What a put of a client asks of its peers counts too; whoever looks at the cluster is no client. */
  #isForClients({ method, url = "" }: IncomingMessage): boolean {
    if (url.startsWith(PEER_PREFIX)) return method === "PUT" && url.startsWith(PEER_BLOBS);
    return !WATCHED_PATH.test(url);
  }

  #countOf(url: string): { running: number } {
    if (url.startsWith(PEER_PREFIX)) return this.#peers;
    return FOLLOWER_PATH.test(url) ? this.#followers : this.#clients;
  }

  #admit(count: { running: number }, request: IncomingMessage, response: ServerResponse): void {
    const traffic = this.#isForClients(request) ? this.#traffic : undefined;
    count.running += 1;
    traffic?.begin();
    response.once("close", () => {
      count.running -= 1;
      traffic?.end();
      this.#checkIdle();
    });
    this.#handler(request, response);
  }

  #checkIdle(): void {
    const running = this.#clients.running + this.#peers.running + this.#followers.running;
    if (this.#stopping && running === 0) this.#onIdle?.();
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, error: KoboldError): void {
  sendProblem(request, response, problemOf(error));
}
