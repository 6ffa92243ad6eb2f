import type { IncomingMessage, ServerResponse } from "node:http";

/** Browsers keep a permission no longer than this (Chromium two hours, Firefox a day), whatever they are told. */
const PERMISSION_SECONDS = 7200;
const METHODS = "GET, HEAD, PUT, POST, PATCH, DELETE";

/** Which web pages' scripts may read answers: their origins (`https://app.example.org`), or `*` for all pages. */
export type CorsOrigins = readonly string[];

/**
 * Lets scripts of web pages from other origins use this node, as the Fetch standard wants it said ("CORS protocol").
 * It stands before the faces and writes to the response itself: refusals of any kind must carry these headers too, or a
 * browser would show its script a failed connection in their place.
 */
export class CorsGate {
  readonly #origins: ReadonlySet<string>;
  readonly #allowsAll: boolean;

  constructor(origins: CorsOrigins) {
    this.#origins = new Set(origins);
    this.#allowsAll = this.#origins.has("*");
  }

  /** Marks the answer as readable where it may be read. True when the request was a browser's question and is answered. */
  answers(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    // Caches must not give one origin what was said to another.
    if (!this.#allowsAll) response.setHeader("Vary", "Origin");
    if (origin === undefined || !(this.#allowsAll || this.#origins.has(origin))) return false;
    response.setHeader("Access-Control-Allow-Origin", this.#allowsAll ? "*" : origin);
    if (isPreflight(request)) {
      allow(request, response);
      return true;
    }
    // The names of metadata are open, so all headers are; no cookies are ever involved, so the wildcard holds.
    response.setHeader("Access-Control-Expose-Headers", "*");
    return false;
  }
}

/** The question that a browser asks before it sends what no plain link or form could send. */
function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

function allow({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Access-Control-Allow-Methods", METHODS);
  const asked = headers["access-control-request-headers"];
  // A wildcard would leave out Authorization, and metadata has names of its own: what is asked for is allowed.
  if (asked !== undefined) response.setHeader("Access-Control-Allow-Headers", asked);
  response.setHeader("Access-Control-Max-Age", PERMISSION_SECONDS);
  response.writeHead(204).end();
}
