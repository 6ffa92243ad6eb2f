import { Worker } from "node:worker_threads";
import { KoboldError } from "@koboldfs/protocol";
import type { ShardStretch } from "../../scrubbed-store.js";
import type { FileReading, ShardReader, VolumeFolder } from "./shard-reader.js";

export interface DigestRequest {
  readonly id: number;
  readonly kind: "digest";
  readonly paths: readonly string[];
  readonly bytesPerSecond: number;
}

export type ReaderRequest =
  | DigestRequest
  | { readonly id: number; readonly kind: "list"; readonly volumes: readonly VolumeFolder[]; readonly from: number };

/** An error on its way between threads. */
export interface PlainFailure {
  readonly code: string;
  readonly message: string;
}

export type ReaderAnswer =
  | { readonly id: number; readonly value: ShardStretch | readonly (string | PlainFailure)[] }
  | { readonly id: number; readonly failure: PlainFailure };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type Question = ReaderRequest extends infer Request ? (Request extends unknown ? Omit<Request, "id"> : never) : never;

/**
 * Lists and reads in a thread of its own: neither holds up a request. Everything about many files is one message there and
 * one back, since for small files messages are most of the work. The thread starts with the first question and may be
 * ended in the middle of a file, since one of a terabyte that is read slowly takes days.
 */
export class ThreadedShardReader implements ShardReader {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  async listStretch(volumes: readonly VolumeFolder[], from: number): Promise<ShardStretch> {
    const plain = volumes.map(({ id, root }) => ({ id, root }));
    return this.#ask<ShardStretch>({ kind: "list", volumes: plain, from });
  }

  async digest(paths: readonly string[], bytesPerSecond: number, signal: AbortSignal): Promise<readonly FileReading[]> {
    signal.throwIfAborted();
    const onAbort = () => void this.#end(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const answers = await this.#ask<readonly (string | PlainFailure)[]>({ kind: "digest", paths, bytesPerSecond });
      return answers.map((one) => (typeof one === "string" ? { digest: one } : { error: parseFailure(one) }));
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    await this.#end(new Error("the reader of files is closed"));
  }

  #ask<Value>(question: Question): Promise<Value> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#start().postMessage({ id, ...question });
    });
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./shard-reader-thread.js", import.meta.url));
    // A node that has nothing else to do may end.
    worker.unref();
    worker.on("message", (answer: ReaderAnswer) => this.#take(answer));
    worker.on("error", (error) => void this.#end(error));
    worker.on("exit", () => {
      if (this.#worker === worker) void this.#end(new Error("the thread that reads files ended"));
    });
    this.#worker = worker;
    return worker;
  }

  #take(answer: ReaderAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("failure" in answer) waiting?.reject(failedDisk(answer.failure));
    else waiting?.resolve(answer.value as never);
  }

  async #end(reason: unknown): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(reason);
    await worker?.terminate();
  }
}

function parseFailure({ code, message }: PlainFailure): Error {
  return Object.assign(new Error(message), { code });
}

/** What a listing fails with. */
function failedDisk(failure: PlainFailure): KoboldError {
  return new KoboldError("disk_failed", failure.message, { cause: parseFailure(failure) });
}
