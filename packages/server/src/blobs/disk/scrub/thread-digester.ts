import { Worker } from "node:worker_threads";
import type { FileDigest, FileDigester } from "./file-digester.js";

export interface DigestRequest {
  readonly id: number;
  readonly path: string;
  readonly bytesPerSecond: number;
}

export type DigestAnswer =
  | { readonly id: number; readonly digest: string; readonly sizeBytes: number }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

interface Waiting {
  readonly resolve: (digest: FileDigest) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads files in a thread of its own: what is hashed there holds up no request. The thread starts with the first file
 * and may be ended in the middle of one, since a file of a terabyte that is read slowly takes days.
 */
export class ThreadDigester implements FileDigester {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;
  /** What was asked for in this turn of the event loop: one message for all, since for small files that is most of the work. */
  #asked: DigestRequest[] = [];

  async digest(path: string, bytesPerSecond: number, signal: AbortSignal): Promise<FileDigest> {
    signal.throwIfAborted();
    this.#lastId += 1;
    const id = this.#lastId;
    const onAbort = () => void this.#end(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await new Promise<FileDigest>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        const request: DigestRequest = { id, path, bytesPerSecond };
        if (this.#asked.length === 0) queueMicrotask(() => this.#send());
        this.#asked.push(request);
      });
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    await this.#end(new Error("the reader of files is closed"));
  }

  #send(): void {
    const requests = this.#asked;
    this.#asked = [];
    // Whoever asked may have been told meanwhile that it is over.
    const wanted = requests.filter(({ id }) => this.#waiting.has(id));
    if (wanted.length > 0) this.#start().postMessage(wanted);
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./digest-thread.js", import.meta.url));
    // A node that has nothing else to do may end.
    worker.unref();
    worker.on("message", (answers: DigestAnswer[]) => answers.forEach((answer) => this.#take(answer)));
    worker.on("error", (error) => void this.#end(error));
    worker.on("exit", () => {
      if (this.#worker === worker) void this.#end(new Error("the thread that reads files ended"));
    });
    this.#worker = worker;
    return worker;
  }

  #take(answer: DigestAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
    else waiting?.resolve({ digest: answer.digest, sizeBytes: answer.sizeBytes });
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
