import { once } from "node:events";
import { type AddressInfo, createServer, connect, type Server, type Socket } from "node:net";

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * What the wire does: passes bytes, swallows them silently (a black hole), passes only what clients send (deaf: they hear
 * nothing back), or refuses and cuts connections.
 */
type WireState = "open" | "black-hole" | "deaf" | "cut";

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
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #cutAfterBytes = Number.POSITIVE_INFINITY;
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

  /** Each connection passes so much in each direction, in order. */
  limit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Each connection that is made from now on is reset once it passed so many bytes: in the middle of a body. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = bytes;
  }

  /** What clients send arrives; what they are answered does not, until it is healed. */
  deafen(): void {
    this.#state = "deaf";
    this.#apply();
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
    this.#bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#cutAfterBytes = Number.POSITIVE_INFINITY;
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
      delayMsOf: (bytes) => this.#delayMs + (bytes / this.#bytesPerSecond) * 1000,
      cutAfterBytes: this.#cutAfterBytes,
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
      else if (this.#target !== undefined) pair.pass(this.#target, this.#state === "deaf");
    }
  }
}

interface PairOptions {
  /** How much later a chunk of so many bytes arrives. */
  delayMsOf(bytes: number): number;
  readonly cutAfterBytes: number;
  onReceived(bytes: number): void;
  onEnd(): void;
}

/** One connection from a client and the one it leads to. */
class SocketPair {
  readonly #near: Socket;
  readonly #options: PairOptions;
  #far: Socket | undefined;
  /** Ends that nothing is taken from now. */
  readonly #held = new Set<Socket>();
  #passedBytes = 0;

  constructor(near: Socket, options: PairOptions) {
    this.#near = near;
    this.#options = options;
    near.pause();
    this.#watch(near);
  }

  pass(target: TcpTarget, isDeaf: boolean): void {
    if (this.#far === undefined) {
      this.#far = connect({ host: target.host, port: target.port, allowHalfOpen: true });
      this.#watch(this.#far);
      this.#near.on("data", (chunk: Buffer) => this.#options.onReceived(chunk.length));
      this.#forward(this.#near, this.#far);
      this.#forward(this.#far, this.#near);
    }
    this.#release(this.#near);
    if (isDeaf) this.#hold(this.#far);
    else this.#release(this.#far);
  }

  hold(): void {
    this.#hold(this.#near);
    if (this.#far !== undefined) this.#hold(this.#far);
  }

  #hold(socket: Socket): void {
    this.#held.add(socket);
    socket.pause();
  }

  #release(socket: Socket): void {
    this.#held.delete(socket);
    socket.resume();
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far?.resetAndDestroy();
  }

  #watch(socket: Socket): void {
    // A broken side breaks the other: that is what a wire does, and the proxy has nobody to report it to.
    socket.on("error", () => this.reset());
    socket.on("close", () => {
      this.#near.destroySoon();
      this.#far?.destroySoon();
      // The other side may still have something to deliver: until then it is this proxy's to close.
      if (this.#near.closed && this.#far?.closed !== false) this.#options.onEnd();
    });
  }

  #forward(from: Socket, to: Socket): void {
    from.on("data", (chunk: Buffer) => {
      const delayMs = this.#options.delayMsOf(chunk.length);
      const resume = (): void => {
        if (!this.#held.has(from)) from.resume();
      };
      this.#passedBytes += chunk.length;
      if (this.#passedBytes > this.#options.cutAfterBytes) this.reset();
      else if (delayMs > 0) {
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
