import { HEADER, KoboldError } from "@koboldfs/protocol";
import type { Platform, RequestBody, TransportRequest, TransportResponse } from "../platform.js";
import { readJson } from "../reply-checks.js";
import type { UploadMemory } from "../transfer/upload-memory.js";
import { AttemptFailure } from "./attempt-failure.js";
import { InFlightGate } from "./in-flight-gate.js";
import { isMirrorPath } from "./mirror-path.js";
import { pause } from "./pause.js";
import { readProblem } from "./problem-reader.js";
import { RetryBudget } from "./retry-budget.js";
import { ServerList } from "./server-list.js";

export interface SessionOptions {
  readonly servers: readonly string[];
  readonly token?: string;
  readonly deadlineMs: number;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxInFlight: number;
  readonly uploadMemory?: UploadMemory;
  /** The transaction that a request joins which names none; asked for each. */
  readonly currentTransaction?: () => string | undefined;
  /**
   * A read met this prepared transaction: finishes it if that is decided, and answers whether what was read is old therefore.
   * Never throws.
   */
  readonly finishHeld?: (transaction: string) => Promise<boolean>;
}

/** What an operation asks of the session besides its attempts. */
export interface OperationOptions {
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
}

/** One request as an operation sees it: the session adds server, credentials and limits. */
export interface SessionRequest {
  readonly server: string;
  readonly method: TransportRequest["method"];
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: RequestBody;
  readonly onSent?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** As in `TransportRequest`. */
  readonly wholeBytes?: number | undefined;
  readonly responseTimeoutMs?: number;
  /** At least so long may the bytes of the answer pause. */
  readonly idleTimeoutMs?: number;
}

export type CallRequest = Omit<SessionRequest, "server" | "signal">;

/** One try of an operation at one server. Throws an `AttemptFailure` for what the session may try again. */
export type Attempt<T> = (server: string, previous: KoboldError | undefined) => Promise<T>;

/** What a session and those within its transactions share. */
interface SessionCore {
  readonly servers: ServerList;
  readonly gate: InFlightGate;
  readonly closing: AbortController;
  /** Makes the idempotency keys: unguessable once, then counted. */
  readonly keyPrefix: string;
  keyCount: number;
  /** Of each transaction under way: how many changes it has accepted, as a server said last. */
  readonly steps: Map<string, number>;
}

/** Transactions whose changes are counted; the server has no more under way. */
const MAX_COUNTED_TRANSACTIONS = 1000;

/** The connections to one cluster: chooses servers, tries again, keeps the number of running operations bounded. */
export class Session {
  readonly platform: Platform;
  readonly options: SessionOptions;
  readonly #core: SessionCore;
  readonly #baseHeaders: Readonly<Record<string, string>>;

  constructor(platform: Platform, options: SessionOptions, core: SessionCore = openCore(options)) {
    this.platform = platform;
    this.options = options;
    this.#core = core;
    this.#baseHeaders = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  }

  /** The same connections, for what belongs to a transaction. Closed with this one. */
  within(transaction: string): Session {
    return new Session(this.platform, { ...this.options, currentTransaction: () => transaction }, this.#core);
  }

  /** How many changes the transaction has accepted, as far as its servers answered; the count is forgotten with `isOver`. */
  takeSteps(transaction: string, isOver: boolean): number | undefined {
    const steps = this.#core.steps.get(transaction);
    if (isOver) this.#core.steps.delete(transaction);
    return steps;
  }

  #noteSteps(transaction: string | undefined, response: TransportResponse): void {
    const steps = Number(response.headers[HEADER.steps] ?? Number.NaN);
    if (transaction === undefined || !Number.isSafeInteger(steps)) return;
    const known = this.#core.steps.get(transaction) ?? 0;
    const [oldest] = this.#core.steps.keys();
    if (known === 0 && this.#core.steps.size >= MAX_COUNTED_TRANSACTIONS && oldest !== undefined) {
      this.#core.steps.delete(oldest);
    }
    this.#core.steps.set(transaction, Math.max(steps, known));
  }

  /** The transaction that a request of now would join. */
  get transaction(): string | undefined {
    return this.options.currentTransaction?.();
  }

  /** Fires when the client is closed: for what would go on for ever. */
  get closing(): AbortSignal {
    return this.#core.closing.signal;
  }

  /** A new name for one change, the same for all attempts at it. */
  createIdempotencyKey(): string {
    this.#core.keyCount += 1;
    return `${this.#core.keyPrefix}-${this.#core.keyCount.toString(36)}`;
  }

  startBudget(options: OperationOptions): RetryBudget {
    return new RetryBudget(options.deadlineMs ?? this.options.deadlineMs, performance.now(), Math.random);
  }

  /** Takes a place among the running operations, given back when `work` ends. */
  async admit<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    await this.#core.gate.enter(signal);
    try {
      return await work();
    } finally {
      this.#core.gate.leave();
    }
  }

  /** As `admit`, for an operation that outlives the call; the answer gives the place back, once. */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    await this.#core.gate.enter(signal);
    let entered = true;
    return () => {
      if (entered) this.#core.gate.leave();
      entered = false;
    };
  }

  /**
   * Runs `attempt` at one server after the other until one succeeds, fails for good, or the budget is used up. All
   * servers are tried before the first pause, and before the operation gives up: one that is silent must not use up the
   * time of the others. Throws a `KoboldError`, or the signal's reason.
   */
  async run<T>(attempt: Attempt<T>, budget: RetryBudget, signal?: AbortSignal): Promise<T> {
    const tried = new Set<string>();
    const unreachable = new Map<string, KoboldError>();
    let previous: KoboldError | undefined;
    let answered: KoboldError | undefined;
    let retryAfterMs: number | undefined;
    let isFirstRound = true;
    for (;;) {
      signal?.throwIfAborted();
      const server = this.#core.servers.pick(tried, performance.now());
      if (server === undefined) {
        const backoffMs = budget.nextBackoffMs(performance.now(), retryAfterMs);
        if (backoffMs === undefined) throw answered ?? combineUnreachable(unreachable);
        await pause(backoffMs, signal);
        tried.clear();
        isFirstRound = false;
        continue;
      }
      try {
        const result = await attempt(server, previous);
        this.#core.servers.reportSuccess(server);
        return result;
      } catch (thrown) {
        signal?.throwIfAborted();
        const failure = this.noteFailure(server, thrown);
        tried.add(server);
        previous = failure.error;
        retryAfterMs = failure.options.retryAfterMs;
        // A server that said something tells more than one that could not be reached.
        if (failure.error.code === "server_unreachable") unreachable.set(server, failure.error);
        else answered = failure.error;
        const goesOn = budget.allowsAttempt(performance.now());
        if (!goesOn && !isFirstRound) throw answered ?? combineUnreachable(unreachable);
      }
    }
  }

  /** Remembers what a failure says about the server. Throws what no further attempt can mend. */
  noteFailure(server: string, thrown: unknown): AttemptFailure {
    if (!(thrown instanceof AttemptFailure)) throw thrown;
    if (thrown.options.avoidServer) this.#core.servers.reportFailure(server, performance.now());
    if (!thrown.options.retryable) throw thrown.error;
    return thrown;
  }

  /** One exchange. An answer that is not 2xx is thrown as an `AttemptFailure`. */
  async exchange(request: SessionRequest): Promise<TransportResponse> {
    const { transaction } = this;
    let response = await this.#send(request, transaction);
    // Once: a server that still says so must not keep a read going round.
    if (transaction === undefined && (await this.#isOld(response))) response = await this.#send(request, undefined);
    if (response.status < 200 || response.status > 299) throw await readProblem(response);
    if (!isMirrorPath(request.path)) this.#preferCatalog(request.server, response);
    this.#noteSteps(transaction, response);
    return response;
  }

  /** Whether it was read between the two commits of rows and files; then the second is made up for. */
  async #isOld(response: TransportResponse): Promise<boolean> {
    const held = response.headers[HEADER.transaction];
    if (held === undefined || this.options.finishHeld === undefined) return false;
    if (!(await this.options.finishHeld(held))) return false;
    response.discard();
    return true;
  }

  #send(request: SessionRequest, transaction: string | undefined): Promise<TransportResponse> {
    const { signal, wholeBytes } = request;
    return this.platform.transport.request({
      server: request.server,
      method: request.method,
      path: request.path,
      headers: {
        ...this.#baseHeaders,
        ...(transaction !== undefined && { [HEADER.transaction]: transaction }),
        ...request.headers,
      },
      ...(request.body !== undefined && { body: request.body }),
      ...(request.onSent !== undefined && { onSent: request.onSent }),
      ...(signal !== undefined && { signal }),
      ...(wholeBytes !== undefined && { wholeBytes }),
      responseTimeoutMs: request.responseTimeoutMs ?? this.options.responseTimeoutMs,
      idleTimeoutMs: Math.max(request.idleTimeoutMs ?? 0, this.options.idleTimeoutMs),
    });
  }

  /** An answer from a server's mirror may be old: it is taken when no other server is left that may have the catalog. */
  #preferCatalog(server: string, response: TransportResponse): void {
    if (response.headers[HEADER.asOf] === undefined || this.#core.servers.isLastResort(server, performance.now()))
      return;
    response.discard();
    const error = new KoboldError("catalog_unavailable", `${server} answers from its mirror`);
    throw new AttemptFailure(error, { retryable: true, avoidServer: true });
  }

  /** One small request and its answer, at whichever server gives one. */
  call<T>(
    request: CallRequest,
    read: (response: TransportResponse) => Promise<T>,
    options: OperationOptions,
  ): Promise<T> {
    return this.admit(options.signal, () => this.callWithin(request, read, options));
  }

  /** As `call`, as a part of an operation that has its place already: a second one might never come free. */
  callWithin<T>(
    request: CallRequest,
    read: (response: TransportResponse) => Promise<T>,
    options: OperationOptions,
  ): Promise<T> {
    const { signal } = options;
    const attempt = async (server: string) => read(await this.exchange({ ...request, server, signal }));
    return this.run(attempt, this.startBudget(options), signal);
  }

  /** As `call`, for an answer in JSON. `check` throws when it is not what was promised. */
  callJson<T>(request: CallRequest, check: (reply: unknown) => T, options: OperationOptions): Promise<T> {
    return this.call(request, async (response) => check(await readJson(response)), options);
  }

  /** Waits for what is under way, and lets nothing begin any more. */
  async close(): Promise<void> {
    this.#core.closing.abort(new Error("the client was closed"));
    await this.#core.gate.close();
    await this.platform.transport.close();
  }
}

function openCore({ servers, maxInFlight }: SessionOptions): SessionCore {
  return {
    servers: new ServerList(servers, Math.random),
    gate: new InFlightGate(maxInFlight),
    closing: new AbortController(),
    keyPrefix: globalThis.crypto.getRandomValues(new Uint32Array(4)).join("-"),
    keyCount: 0,
    steps: new Map(),
  };
}

function combineUnreachable(failures: ReadonlyMap<string, KoboldError>): KoboldError {
  const [first] = failures.values();
  if (failures.size === 1 && first !== undefined) return first;
  const reasons = [...failures.values()].map((failure) => failure.message);
  return new KoboldError("server_unreachable", `no server could be reached: ${reasons.join("; ")}`, { cause: first });
}
