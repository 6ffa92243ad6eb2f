import { once } from "node:events";
import { type AddressInfo, createServer, connect, type Server, type Socket } from "node:net";

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/** What the wire does: passes bytes, swallows them silently (a black hole), or refuses and cuts connections. */
type WireState = "open" | "black-hole" | "cut";

/**
 * A wire between two processes that a test can disturb. Bytes that a black hole held back are delivered when it is
 * opened again, as TCP's retransmissions would deliver them.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<SocketPair>();
  #target: TcpTarget | undefined;
  #state: WireState = "open";
  #delayMs = 0;
  /** Bytes that came from those who connected. */
  receivedBytes = 0;

  private constructor(target: TcpTarget | undefined) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Listens on a free port of loopback. Without a target, connections wait until `setTarget`. */
  static async start(target?: TcpTarget): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connectionCount(): number {
    return this.#pairs.size;
  }

  setTarget(target: TcpTarget): void {
    this.#target = target;
    this.#apply();
  }

  /** Each chunk from now on arrives this much later, in order. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Connections stay, new ones are accepted, and nothing passes. */
  blackHole(): void {
    this.#state = "black-hole";
    this.#apply();
  }

  /** Resets what is connected and whatever tries to connect. */
  cut(): void {
    this.#state = "cut";
    this.#apply();
  }

  /** The wire is whole again and fast. */
  heal(): void {
    this.#state = "open";
    this.#delayMs = 0;
    this.#apply();
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) pair.reset();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(socket: Socket): void {
    if (this.#state === "cut") {
      socket.on("error", () => {});
      socket.resetAndDestroy();
      return;
    }
    const pair = new SocketPair(socket, {
      delayMs: () => this.#delayMs,
      onReceived: (bytes) => {
        this.receivedBytes += bytes;
      },
      onEnd: () => this.#pairs.delete(pair),
    });
    this.#pairs.add(pair);
    this.#apply();
  }

  #apply(): void {
    for (const pair of this.#pairs) {
      if (this.#state === "cut") pair.reset();
      else if (this.#state === "black-hole") pair.hold();
      else if (this.#target !== undefined) pair.pass(this.#target);
    }
  }
}

interface PairOptions {
  delayMs(): number;
  onReceived(bytes: number): void;
  onEnd(): void;
}

/** One connection from a client and the one it leads to. */
class SocketPair {
  readonly #near: Socket;
  readonly #options: PairOptions;
  #far: Socket | undefined;
  #held = true;

  constructor(near: Socket, options: PairOptions) {
    this.#near = near;
    this.#options = options;
    near.pause();
    this.#watch(near);
  }

  pass(target: TcpTarget): void {
    this.#held = false;
    if (this.#far === undefined) {
      this.#far = connect({ host: target.host, port: target.port, allowHalfOpen: true });
      this.#watch(this.#far);
      this.#near.on("data", (chunk: Buffer) => this.#options.onReceived(chunk.length));
      this.#forward(this.#near, this.#far);
      this.#forward(this.#far, this.#near);
    }
    this.#near.resume();
    this.#far.resume();
  }

  hold(): void {
    this.#held = true;
    this.#near.pause();
    this.#far?.pause();
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far?.resetAndDestroy();
  }

  #watch(socket: Socket): void {
    // A broken side breaks the other: that is what a wire does, and the proxy has nobody to report it to.
    socket.on("error", () => this.reset());
    socket.on("close", () => {
      this.#options.onEnd();
      this.#near.destroySoon();
      this.#far?.destroySoon();
    });
  }

  #forward(from: Socket, to: Socket): void {
    from.on("data", (chunk: Buffer) => {
      const delayMs = this.#options.delayMs();
      const resume = (): void => {
        if (!this.#held) from.resume();
      };
      if (delayMs > 0) {
        from.pause();
        setTimeout(() => {
          if (to.destroyed) return;
          to.write(chunk);
          resume();
        }, delayMs);
      } else if (!to.write(chunk)) {
        from.pause();
        to.once("drain", resume);
      }
    });
    from.on("end", () => to.end());
  }
}
