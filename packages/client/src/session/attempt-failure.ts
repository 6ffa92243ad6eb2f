import { KoboldError } from "@koboldfs/protocol";

export interface AttemptFailureOptions {
  /** Whether the same request may succeed at another server, or here later. */
  readonly retryable: boolean;
  /** Whether this server should be left alone for a while. */
  readonly avoidServer: boolean;
  /** What the server asked for in Retry-After. */
  readonly retryAfterMs?: number;
}

/** One request at one server failed. Stays inside the client: callers get the `error`. */
export class AttemptFailure extends Error {
  override readonly name = "AttemptFailure";
  readonly error: KoboldError;
  readonly options: AttemptFailureOptions;

  constructor(error: KoboldError, options: AttemptFailureOptions) {
    super(error.message, { cause: error });
    this.error = error;
    this.options = options;
  }

  /** The server could not be reached, went away, or fell silent. */
  static unreachable(message: string, cause?: unknown): AttemptFailure {
    return new AttemptFailure(new KoboldError("server_unreachable", message, { cause }), {
      retryable: true,
      avoidServer: true,
    });
  }

  /** What came back makes no sense; another server may do better. */
  static invalidResponse(message: string): AttemptFailure {
    return new AttemptFailure(new KoboldError("invalid_response", message), { retryable: true, avoidServer: false });
  }
}
