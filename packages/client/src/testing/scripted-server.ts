import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it arrived. `url` is the raw request line's. */
export interface ArrivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answer = (request: ArrivedRequest, response: ServerResponse, raw: IncomingMessage) => void | Promise<void>;

/** A server that does what a test says, and remembers what it was asked. */
export class ScriptedServer {
  readonly requests: ArrivedRequest[] = [];
  /** Connections that were ever opened. */
  connections = 0;
  readonly #server: Server;
  answer: Answer;

  private constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", () => {
      this.connections += 1;
    });
  }

  static async start(answer: Answer): Promise<ScriptedServer> {
    const server = new ScriptedServer(answer);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection and listens no more: what is left of a killed node. */
  async kill(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of raw) pieces.push(piece as Buffer);
    } catch {
      // The client cut the connection: the test sees it at the client.
      return;
    }
    const { method = "", url = "", headers } = raw;
    const request = { method, url, headers, body: Buffer.concat(pieces) };
    this.requests.push(request);
    await this.answer(request, response, raw);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function sendJson(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
}

export function sendProblem(response: ServerResponse, status: number, code: string, retryable: boolean): void {
  const problem = { type: "about:blank", title: code, status, code, detail: `scripted ${code}`, hint: "", retryable };
  response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
}

/** As a server stores a put: the reply, with the digest of what arrived unless another is given. */
export function sendPutReply(response: ServerResponse, body: Uint8Array, digest = sha256(body)): void {
  sendJson(response, 201, { digest, size: body.length, version: 1, copies: 2, wanted: 2 });
}

/**
 * Headers and bytes of a file, or of the part that the request's Range asks for. `spoil` changes the bytes after the
 * headers were made, as a bad disk or cable does.
 */
export function sendFile(
  request: ArrivedRequest,
  response: ServerResponse,
  content: Buffer,
  spoil = (b: Buffer) => b,
): void {
  const digest = sha256(content);
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const start = match === null ? 0 : Number(match[1]);
  const end = match === null ? content.length : Number(match[2]) + 1;
  response.writeHead(match === null ? 200 : 206, {
    etag: `"${digest}"`,
    "content-type": "text/plain",
    "content-length": end - start,
    "koboldfs-version": 7,
    "last-modified": "Sat, 31 Jan 2026 12:00:00 GMT",
    ...(match !== null && { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
  });
  response.end(spoil(content.subarray(start, end)));
}
