import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from "node:http";
import { filePath } from "./raw-files.js";
import { type RawReply, type RawRequest, readReply } from "./raw-request.js";

/** One connection on which one request follows the other, as browsers and pools use them. */
export class KeptConnection {
  readonly #server: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(server: string) {
    this.#server = new URL(server);
  }

  /**
   * One that a node with several processes gives to a reader, when the node process has others to serve: what it asks for
   * first is a file. It need not be there.
   */
  static async ofReader(server: string, key = "no such key"): Promise<KeptConnection> {
    const connection = new KeptConnection(server);
    await connection.send({ path: filePath(key) });
    return connection;
  }

  /** One that the node process keeps. */
  static async ofNode(server: string): Promise<KeptConnection> {
    const connection = new KeptConnection(server);
    await connection.send({ path: "/healthz" });
    return connection;
  }

  async send({ headers = {}, body, ...rest }: RawRequest): Promise<RawReply> {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const call = this.open({ ...rest, headers: { ...length, ...headers } });
    call.end(body);
    return readReply(call);
  }

  /** A request whose body the test writes itself. */
  open({ method = "GET", path, headers = {} }: Omit<RawRequest, "body">): ClientRequest {
    const { hostname, port } = this.#server;
    return request({ hostname, port, method, path, headers, agent: this.#agent });
  }

  get(key: string, headers: Record<string, string> = {}): Promise<RawReply> {
    return this.send({ path: filePath(key), headers });
  }

  put(key: string, body: Uint8Array | string): Promise<RawReply> {
    return this.send({ method: "PUT", path: filePath(key), body });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** What two answers to the same question must have in common: everything but the moment. */
export function comparable({ status, headers, body }: RawReply): [number, IncomingHttpHeaders, string] {
  const { date: _, ...rest } = headers;
  // Each failure has a name of its own.
  return [status, rest, body.toString("latin1").replace(/urn:uuid:[0-9a-f-]+/, "")];
}
