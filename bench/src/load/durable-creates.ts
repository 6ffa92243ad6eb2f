import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { median } from "../measure/median.js";
import type { Load, LoadGenerator, LoadResult } from "./load-generator.js";

/** What one thread did in the time. */
export interface CreatorResult {
  /** Milliseconds of each file. */
  readonly latencies: Float64Array;
}

/** What one thread is told. */
export interface CreatorOrder {
  /** Its own folder: threads that flush one folder wait for each other. */
  readonly folder: string;
  readonly sizeBytes: number;
  readonly milliseconds: number;
}

/** A file system under as many threads as the load has connections, each with a folder of its own and no server between. */
export class DurableCreates implements LoadGenerator {
  readonly name = "durable creates";
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async run(load: Load): Promise<LoadResult> {
    const cpuBefore = process.cpuUsage();
    const begun = performance.now();
    const threads = Array.from({ length: load.concurrency }, (_, thread) =>
      create({
        folder: this.#makeFolder(`${load.putPrefix}${thread}`),
        sizeBytes: load.sizeBytes,
        milliseconds: load.seconds * 1000,
      }),
    );
    const results = await Promise.all(threads);
    const latencies = results.flatMap((result) => [...result.latencies]).toSorted((a, b) => a - b);
    const seconds = (performance.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      requests: latencies.length,
      // Threads need a moment to start; each counts its own time.
      seconds: load.seconds,
      latencyMs: {
        p50: median(latencies),
        p99: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
        max: latencies.at(-1) ?? Number.NaN,
      },
      errors: latencies.length === 0 ? ["not one file was created"] : [],
      generatorLoad: (user + system) / 1e6 / seconds,
    };
  }

  #makeFolder(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

function create(order: CreatorOrder): Promise<CreatorResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./durable-creates-thread.js", import.meta.url), { workerData: order });
    worker.once("message", resolve).once("error", reject);
  });
}
