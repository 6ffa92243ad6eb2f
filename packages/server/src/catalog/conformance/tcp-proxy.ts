import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

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
  const target = new URL(dsn);
  const sockets = new Set<Socket>();
  let cut: Cut | undefined;
  let hasCut = false;
  let isRefusing = false;

  const refuse = () => {
    isRefusing = true;
    for (const socket of sockets) socket.destroy();
  };
  const pass = (direction: PacketDirection, packet: Buffer, [source, sink]: [Socket, Socket]) => {
    if (cut?.direction === direction && cut.isDue(packet)) {
      const { refusesThen } = cut;
      cut = undefined;
      hasCut = true;
      if (refusesThen) return void sink.write(packet, refuse);
      source.destroy();
      sink.destroy();
      return;
    }
    sink.write(packet);
  };
  const server = createServer((client) => {
    if (isRefusing) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // A socket that is destroyed on purpose has nothing more to say.
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (packet) => pass("to", packet, [client, upstream]));
    upstream.on("data", (packet) => pass("from", packet, [upstream, client]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const url = new URL(dsn);
  url.host = `127.0.0.1:${address.port}`;
  const arm = (next: Cut) => {
    hasCut = false;
    cut = next;
  };
  return {
    dsn: url.href,
    get hasCut() {
      return hasCut;
    },
    cutAtPacket: (direction, after) => {
      let remaining = after;
      arm({ direction, isDue: () => remaining-- === 0, refusesThen: false });
    },
    refuseAfter: (packet) => arm({ direction: "to", isDue: (bytes) => packet.test(bytes.toString("latin1")), refusesThen: true }),
    refuse,
    accept: () => {
      isRefusing = false;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      refuse();
    },
  };
}
