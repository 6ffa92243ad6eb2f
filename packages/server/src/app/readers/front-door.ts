import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { HEADERS_TIMEOUT_MS, MAX_CONNECTIONS } from "../../http/node-server.js";

/** A process that serves connections. */
export interface Seat {
  /** How many it has now. */
  readonly connections: number;
  /** Takes one of which `head` was read already. */
  take(connection: Socket, head: Buffer): void;
}

export interface FrontDoorOptions {
  readonly own: (connection: Socket) => void;
  /** The readers that can take connections now. */
  readonly readers: () => readonly Seat[];
  readonly maxConnections?: number;
  /** How long a connection may say nothing at all. */
  readonly headersMs?: number;
}

/** How a request for a file's bytes begins. */
const FILE_READ = /^(GET|HEAD) \/v1\/files\//;
const LONGEST_BEGINNING = "HEAD /v1/files/".length;

/**
 * Accepts a node's connections and gives each to one of its processes, by what it asks for first: a reader would hand on
 * everything but reads, at the price of a second passage. Reads go where the fewest connections are.
 */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #server: Server;
  readonly #silent = new Set<Socket>();
  #own = 0;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    // As an HTTP server accepts: it decides itself what the end of a request means.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (connection) => this.#admit(connection));
  }

  /** Connections of the node process itself. */
  get own(): number {
    return this.#own;
  }

  listen({ host, port }: { host: string; port: number }): Promise<{ port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", reject);
        resolve({ port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  /** Frees the port, and cuts connections that have not asked for anything. */
  close(): void {
    // Its end is not waited for: it would be that of all connections in all processes.
    this.#server.close();
    for (const connection of this.#silent) connection.destroy();
  }

  #admit(connection: Socket): void {
    const { maxConnections = MAX_CONNECTIONS, headersMs = HEADERS_TIMEOUT_MS } = this.#options;
    const elsewhere = this.#options.readers().reduce((sum, { connections }) => sum + connections, 0);
    if (this.#own + elsewhere + this.#silent.size >= maxConnections) {
      connection.destroy();
      return;
    }
    const drop = () => void connection.destroy();
    this.#silent.add(connection);
    connection.once("close", () => this.#silent.delete(connection));
    connection.setTimeout(headersMs, drop).once("end", drop).on("error", drop);
    connection.once("data", (head: Buffer) => {
      connection.pause();
      connection.setTimeout(0, drop).off("end", drop).off("error", drop);
      this.#silent.delete(connection);
      this.#seat(connection, head);
    });
  }

  #seat(connection: Socket, head: Buffer): void {
    const reader = FILE_READ.test(head.toString("latin1", 0, LONGEST_BEGINNING)) ? this.#idlest() : undefined;
    if (reader !== undefined) {
      reader.take(connection, head);
      return;
    }
    this.#own += 1;
    connection.once("close", () => {
      this.#own -= 1;
    });
    connection.unshift(head);
    this.#options.own(connection);
    connection.resume();
  }

  /** The reader with the fewest connections; undefined when the node process has fewer. */
  #idlest(): Seat | undefined {
    const [best] = this.#options.readers().toSorted((one, other) => one.connections - other.connections);
    return best !== undefined && best.connections <= this.#own ? best : undefined;
  }
}
