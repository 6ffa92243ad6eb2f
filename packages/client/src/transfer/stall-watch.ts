import { AttemptFailure } from "../session/attempt-failure.js";

/**
 * Notices a server that stops taking a body. Time counts only while the connection has what to send: a source that is
 * slow to give is not the server's fault.
 */
export class StallWatch {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  #armedAtMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.arm();
    this.#schedule(timeoutMs);
  }

  /** Fires with an `AttemptFailure`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** It is the server's turn. */
  arm(): void {
    this.#armedAtMs = performance.now();
  }

  /** It is the source's turn. */
  disarm(): void {
    this.#armedAtMs = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => this.#check(), delayMs);
  }

  #check(): void {
    const waitedMs = this.#armedAtMs === undefined ? 0 : performance.now() - this.#armedAtMs;
    if (waitedMs < this.#timeoutMs) this.#schedule(this.#timeoutMs - waitedMs);
    else this.#controller.abort(AttemptFailure.unreachable(`the server took nothing for ${this.#timeoutMs} ms`));
  }
}
