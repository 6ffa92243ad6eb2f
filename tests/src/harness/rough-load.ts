import { KeptConnection } from "./kept-connection.js";
import type { NodeProcess } from "./node-process.js";

/** Clients that put and get whatever happens to their connections. */
export class RoughLoad {
  readonly acknowledged = new Map<string, string>();
  /** What happened besides right answers and broken connections. */
  readonly surprises: string[] = [];
  readonly #node: NodeProcess;
  #isStopping = false;

  constructor(node: NodeProcess) {
    this.#node = node;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(clients: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, (_, id) => this.#client(id)));
  }

  async #client(id: number): Promise<void> {
    for (let round = 0; !this.#isStopping; round += 1) {
      try {
        const connection = await KeptConnection.ofReader(this.#node.url);
        for (let request = 0; request < 50 && !this.#isStopping; request += 1) {
          await this.#putAndGet(connection, `rough ${id} ${round} ${request}`);
        }
        connection.close();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Its reader was killed: what it was told before counts.
        if (code !== "ECONNRESET" && code !== "EPIPE") this.surprises.push(String(error));
      }
    }
  }

  async #putAndGet(connection: KeptConnection, key: string): Promise<void> {
    const put = await connection.put(key, `content of ${key}`);
    if (put.status !== 201) this.surprises.push(`put answered ${put.status}`);
    else this.acknowledged.set(key, `content of ${key}`);
    const got = await connection.get(key);
    if (got.body.toString() !== `content of ${key}`) this.surprises.push(`get answered ${got.status}: ${got.body}`);
  }
}
