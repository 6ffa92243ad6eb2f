import { ERROR_TABLE, type ErrorCode, type ErrorRule } from "./error-table.js";

/** A failure with a stable code. `message` says what happened here; the code's hint says what to do about it. */
export class KoboldError extends Error {
  override readonly name = "KoboldError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get rule(): ErrorRule {
    return ERROR_TABLE[this.code];
  }
}
