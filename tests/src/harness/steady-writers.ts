import { setTimeout as sleep } from "node:timers/promises";
import { jsonOf } from "./raw-request.js";
import { mustGet, putFile } from "./raw-files.js";
import type { NodeProcess } from "./node-process.js";

/** Between two puts of one writer: so that there are some hundred files to be read afterwards, and not thousands. */
const DEFAULT_PAUSE_MS = 100;

export interface AcknowledgedPut {
  readonly key: string;
  /** Whom it was put through. */
  readonly node: string;
  readonly atMs: number;
}

/** Clients that put small files through nodes in turn, whatever happens, and remember what was acknowledged. */
export class SteadyWriters {
  readonly acknowledged: AcknowledgedPut[] = [];
  /** Codes of the refusals. */
  readonly refusals = new Set<string>();
  readonly #running: Promise<unknown>;
  readonly #pauseMs: number;
  #isStopped = false;

  constructor(nodes: readonly NodeProcess[], count: number, pauseMs = DEFAULT_PAUSE_MS) {
    this.#pauseMs = pauseMs;
    this.#running = Promise.all(Array.from({ length: count }, (_, lane) => this.#run(nodes, lane)));
  }

  get keys(): string[] {
    return this.acknowledged.map(({ key }) => key);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(nodes: readonly NodeProcess[], lane: number): Promise<void> {
    for (let index = 0; !this.#isStopped; index += 1) {
      const key = `w-${lane}-${index}`;
      const node = nodes[(index + lane) % nodes.length];
      if (node === undefined) throw new Error("there is no node to put through");
      const reply = await putFile(node.url, key, { body: key });
      if (reply.status < 300) this.acknowledged.push({ key, node: node.name, atMs: performance.now() });
      else this.refusals.add(jsonOf<{ code: string }>(reply).code);
      await sleep(this.#pauseMs);
    }
  }
}

/** Throws unless the node sends each of them, with its bytes. */
export async function checkReadable(node: NodeProcess, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const body = (await mustGet(node.url, key)).toString();
    if (body !== key) throw new Error(`node ${node.name} sends ${JSON.stringify(body)} as ${key}`);
  }
}
