import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Passes requests on to a node and spoils the last byte of each file that comes back, as a bad cable would. */
export class SpoilingProxy {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: string): Promise<SpoilingProxy> {
    const server = createServer((incoming, outgoing) => {
      const { method, headers, url } = incoming;
      const onward = request(new URL(url ?? "/", target), { method, headers }, (answer) => {
        passOn(answer, outgoing, method === "GET").catch(() => outgoing.destroy());
      });
      onward.on("error", () => outgoing.destroy());
      incoming.pipe(onward);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SpoilingProxy(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function passOn(answer: IncomingMessage, outgoing: ServerResponse, spoils: boolean): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  if (spoils) body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(body);
}
