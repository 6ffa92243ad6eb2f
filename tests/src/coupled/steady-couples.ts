import { setTimeout as sleep } from "node:timers/promises";
import { NAMESPACE } from "../harness/cluster.js";
import { type CoupledScene, DEFECTS } from "./kill-round.js";

const LANES = 4;
const PAUSE_MS = 50;

/** Clients of an application that go on to commit documents as files and rows together, whatever happens. */
export class SteadyCouples {
  /** What all keys begin with, and a slash. */
  readonly prefix = "couples";
  /** When each was committed. */
  readonly committedMs: number[] = [];
  /** Why others were not, the database's reasons among them, and how often. */
  readonly failures = new Map<string, number>();
  readonly #scene: CoupledScene;
  readonly #running: Promise<unknown>;
  #isStopped = false;

  constructor(scene: CoupledScene) {
    this.#scene = scene;
    this.#running = Promise.all(Array.from({ length: LANES }, (_, lane) => this.#run(lane)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(lane: number): Promise<void> {
    for (let index = 0; !this.#isStopped; index += 1) {
      try {
        await this.#commitOne(`${this.prefix}/${lane}/${index}`);
        this.committedMs.push(performance.now());
      } catch (thrown) {
        const { name, code = name } = thrown as Error & { code?: string };
        if (DEFECTS.test(name)) throw thrown;
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
      }
      await sleep(PAUSE_MS);
    }
  }

  async #commitOne(name: string): Promise<void> {
    const { application, pool } = this.#scene;
    await pool.withDatabase(application.adapter, async ({ tx, sql }) => {
      for (const part of ["one", "two"]) {
        const [key, body] = [`${name}/${part}`, `${part} of ${name}`];
        await tx.client(NAMESPACE).put(key, Buffer.from(body));
        await sql(key, body);
      }
    });
  }
}
