import { Worker } from "node:worker_threads";
import { type ErrorCode, KoboldError } from "@koboldfs/protocol";
import type { Logger } from "../logger.js";
import { parseThreadError, type ThreadMessage, type ThreadRequest } from "./thread-messages.js";

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly note?: () => void;
}

export interface ThreadCallsOptions {
  /** The body of the thread; it calls `serveThread`. */
  readonly script: URL;
  readonly settings: unknown;
  readonly logger: Logger;
  /** What works in the thread, for messages: "the catalog's writing thread". */
  readonly what: string;
  /** What a call gets that comes after the thread died by itself: it has certainly done nothing. */
  readonly deadCode: ErrorCode;
}

/** The near end of a thread that serves calls: every call is a message there and one back. */
export class ThreadCalls {
  readonly #worker: Worker;
  readonly #options: ThreadCallsOptions;
  readonly #calls = new Map<number, Call>();
  readonly #ready: Promise<unknown>;
  #becomeReady: Call = { resolve: () => {}, reject: () => {} };
  #lastId = 0;
  #isClosing = false;
  /** Why the thread is gone. */
  #end: KoboldError | undefined;

  constructor(options: ThreadCallsOptions) {
    this.#options = options;
    this.#ready = new Promise((resolve, reject) => {
      this.#becomeReady = { resolve, reject };
    });
    this.#worker = new Worker(options.script, { workerData: options.settings });
    this.#worker.on("message", (message: ThreadMessage) => this.#take(message));
    this.#worker.on("error", (cause) => this.#endWith(cause));
    this.#worker.on("exit", () => this.#endWith(undefined));
  }

  /** What the thread said when it was ready; rejects with what it was refused for. */
  get ready(): Promise<unknown> {
    return this.#ready;
  }

  /** `note` is called for each note that comes before the answer. */
  call(method: string, parameters: readonly unknown[], note = () => {}): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    this.#lastId += 1;
    const id = this.#lastId;
    const request: ThreadRequest = { id, method, parameters };
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, note });
      this.#worker.postMessage(request);
    });
  }

  /** Calls `close` in the thread, and resolves when the thread has ended. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#isClosing = true;
    const ended = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    await this.call("close", []);
    await ended;
  }

  /** For an opener that was refused: the thread has nothing to finish. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(message: ThreadMessage): void {
    switch (message.kind) {
      case "ready":
        return this.#becomeReady.resolve(message.greeting);
      case "refused":
        return this.#becomeReady.reject(parseThreadError(message.error));
      case "log":
        return this.#options.logger[message.level](message.fields, message.message);
      case "answer":
        return this.#finish(message.id)?.resolve(message.value);
      case "note":
        return this.#calls.get(message.id)?.note?.();
      case "failure":
        return this.#finish(message.id)?.reject(parseThreadError(message.error));
    }
  }

  #finish(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  /** What ran when the thread died may or may not have been done: `internal` says no more than that. */
  #endWith(cause: unknown): void {
    const { what, deadCode } = this.#options;
    const closed = new KoboldError("shutting_down", `${what} is closed`);
    const died = new KoboldError("internal", `${what} ended`, { cause });
    this.#becomeReady.reject(this.#isClosing ? closed : died);
    for (const call of this.#calls.values()) call.reject(this.#isClosing ? closed : died);
    // What comes later is certainly not done, and another node can do it.
    this.#end ??= this.#isClosing ? closed : new KoboldError(deadCode, `${what} ended; restart this node`, { cause });
    this.#calls.clear();
  }
}
