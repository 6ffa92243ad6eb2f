import { AttemptFailure } from "../session/attempt-failure.js";

/** Ends an exchange whose server is silent for too long, or whose caller gives up. */
export class Silence {
  /** Fires with an `AttemptFailure`, or with the caller's reason. */
  readonly signal: AbortSignal;
  readonly #server: string;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(server: string, signal: AbortSignal | undefined) {
    this.#server = server;
    this.signal = signal === undefined ? this.#controller.signal : AbortSignal.any([signal, this.#controller.signal]);
  }

  /** The server's turn begins; 0 for no limit. */
  expect(timeoutMs: number): void {
    this.end();
    if (timeoutMs === 0) return;
    const failure = () => AttemptFailure.unreachable(`${this.#server}: silent for ${timeoutMs} ms`);
    this.#timer = setTimeout(() => this.#controller.abort(failure()), timeoutMs);
  }

  /** The server said something, or nothing more is expected of it. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /** Closes the connection. */
  abort(): void {
    this.end();
    this.#controller.abort(AttemptFailure.unreachable(`${this.#server}: given up`));
  }
}
