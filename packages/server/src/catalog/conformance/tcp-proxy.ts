import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export type PacketDirection = "to" | "from";

interface Cut {
  readonly direction: PacketDirection;
  isDue(packet: Buffer): boolean;
  readonly refusesThen: boolean;
}

/** A way to a database that breaks when the test wants it to. `to` and `from` are seen from the server. */
export interface TcpProxy extends AsyncDisposable {
  readonly dsn: string;
  /** Whether the last cut that was asked for has happened. */
  readonly hasCut: boolean;
  /** Cuts the connection that carries the packet after `after` others in this direction, instead of passing it on. */
  cutAtPacket(direction: PacketDirection, after: number): void;
  /** Passes on the first packet to the server that looks like this; then cuts every connection and refuses new ones. */
  refuseAfter(packet: RegExp): void;
  refuse(): void;
  accept(): void;
}

export async function openTcpProxy(dsn: string): Promise<TcpProxy> {
  const proxy = new CuttingProxy(dsn);
  await proxy.listen();
  return proxy;
}

class CuttingProxy implements TcpProxy {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut: Cut | undefined;
  #hasCut = false;
  #isRefusing = false;

  constructor(dsn: string) {
    this.#target = new URL(dsn);
    this.#server = createServer((client) => this.#join(client));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get dsn(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${address.port}`;
    return url.href;
  }

  get hasCut(): boolean {
    return this.#hasCut;
  }

  #join(client: Socket): void {
    if (this.#isRefusing) return void client.destroy();
    const upstream = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      // A socket that is destroyed on purpose has nothing more to say.
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (packet) => this.#pass("to", packet, [client, upstream]));
    upstream.on("data", (packet) => this.#pass("from", packet, [upstream, client]));
  }

  #pass(direction: PacketDirection, packet: Buffer, [source, sink]: [Socket, Socket]): void {
    const cut = this.#cut;
    if (cut?.direction !== direction || !cut.isDue(packet)) return void sink.write(packet);
    this.#cut = undefined;
    this.#hasCut = true;
    if (cut.refusesThen) return void sink.write(packet, () => this.refuse());
    source.destroy();
    sink.destroy();
  }

  cutAtPacket(direction: PacketDirection, after: number): void {
    let remaining = after;
    this.#arm({ direction, isDue: () => remaining-- === 0, refusesThen: false });
  }

  refuseAfter(packet: RegExp): void {
    this.#arm({ direction: "to", isDue: (bytes) => packet.test(bytes.toString("latin1")), refusesThen: true });
  }

  #arm(cut: Cut): void {
    this.#hasCut = false;
    this.#cut = cut;
  }

  refuse(): void {
    this.#isRefusing = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  accept(): void {
    this.#isRefusing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.refuse();
  }
}
