import { Worker } from "node:worker_threads";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import type { Change, ChangeOutcome } from "../../../model/change.js";
import { parseOutcome } from "../../../model/change-outcome.js";
import type { Logger } from "../../../runtime/logger.js";
import type { Debt } from "../../catalog.js";
import type { CatalogWriter } from "../catalog-writer.js";
import type { PlainError, WriterMessage, WriterMethod, WriterRequest, WriterSettings } from "./writer-messages.js";

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly release?: () => void;
}

/** The near end of the writing thread: every call is a message there and one back. */
export class ThreadedSqliteWriter implements CatalogWriter {
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #calls = new Map<number, Call>();
  readonly #ready: Promise<string>;
  #becomeReady: Call = { resolve: () => {}, reject: () => {} };
  #lastId = 0;
  #isClosing = false;
  /** Why the thread is gone. */
  #end: KoboldError | undefined;

  constructor(settings: WriterSettings, logger: Logger) {
    this.#logger = logger;
    this.#ready = new Promise<string>((resolve, reject) => {
      this.#becomeReady = { resolve: (value) => resolve(value as string), reject };
    });
    this.#worker = new Worker(new URL("./sqlite-writer-worker.js", import.meta.url), { workerData: settings });
    this.#worker.on("message", (message: WriterMessage) => this.#take(message));
    this.#worker.on("error", (cause) => this.#endWith(cause));
    this.#worker.on("exit", () => this.#endWith(undefined));
  }

  /** The cluster's id; rejects with what the catalog was refused for. */
  get ready(): Promise<string> {
    return this.#ready;
  }

  #take(message: WriterMessage): void {
    switch (message.kind) {
      case "ready":
        return this.#becomeReady.resolve(message.clusterId);
      case "refused":
        return this.#becomeReady.reject(parseError(message.error));
      case "log":
        return this.#logger[message.level](message.fields, message.message);
      case "answer":
        return this.#finish(message.id)?.resolve(message.value);
      case "outcomes":
        return this.#finish(message.id)?.resolve(message.outcomes.map(parseOutcome));
      case "release":
        return this.#calls.get(message.id)?.release?.();
      case "failure":
        return this.#finish(message.id)?.reject(parseError(message.error));
    }
  }

  #finish(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  /** What ran when the thread died may or may not be committed: `internal` says no more than that. */
  #endWith(cause: unknown): void {
    const closed = new KoboldError("shutting_down", "the catalog is closed");
    const died = new KoboldError("internal", "the catalog's writing thread ended", { cause });
    this.#becomeReady.reject(this.#isClosing ? closed : died);
    for (const call of this.#calls.values()) call.reject(this.#isClosing ? closed : died);
    // What comes later is certainly not committed, and another node can take it.
    this.#end ??= this.#isClosing
      ? closed
      : new KoboldError("catalog_unavailable", "the catalog's writing thread ended; restart this node", { cause });
    this.#calls.clear();
  }

  #call(method: WriterRequest["method"], parameters: readonly unknown[], release = () => {}): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    this.#lastId += 1;
    const id = this.#lastId;
    const request: WriterRequest = { id, method, parameters };
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, release });
      this.#worker.postMessage(request);
    });
  }

  async #order(method: WriterMethod, ...parameters: readonly unknown[]): Promise<void> {
    await this.#call(method, parameters);
  }

  commitGroup(changes: readonly Change[], release: () => void): Promise<ChangeOutcome[]> {
    return this.#call("commitGroup", [changes], release) as Promise<ChangeOutcome[]>;
  }

  heartbeat(node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<void> {
    return this.#order("heartbeat", node, space);
  }

  setBackfillPosition(node: NodeId, position: number): Promise<void> {
    return this.#order("setBackfillPosition", node, position);
  }

  settleDebts(debts: readonly Debt[]): Promise<void> {
    return this.#order("settleDebts", debts);
  }

  addDebt(debt: Debt): Promise<void> {
    return this.#order("addDebt", debt);
  }

  acquireLease(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#call("acquireLease", [name, holder, ttlMs]) as Promise<boolean>;
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return this.#order("releaseLease", name, holder);
  }

  pruneOutcomes(olderThanMs: number, limit: number): Promise<number> {
    return this.#call("pruneOutcomes", [olderThanMs, limit]) as Promise<number>;
  }

  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#isClosing = true;
    const ended = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    await this.#order("close");
    await ended;
  }

  /** For an opener that was refused: the thread has nothing to finish. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

function parseError({ code, message }: PlainError): KoboldError {
  return new KoboldError(code, message);
}
