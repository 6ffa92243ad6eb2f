import { type ErrorCode, KoboldError } from "@koboldfs/protocol";

/** An error on its way to another thread: classes do not cross, texts do. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ThreadRequest {
  readonly id: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

/** What a thread that serves says to the one that asks. */
export type ThreadMessage =
  | { readonly kind: "ready"; readonly greeting: unknown }
  | { readonly kind: "refused"; readonly error: PlainError }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  /** Something that is worth knowing before the answer. */
  | { readonly kind: "note"; readonly id: number }
  | { readonly kind: "failure"; readonly id: number; readonly error: PlainError }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly message: string;
    };

export function formatThreadError(error: unknown): PlainError {
  if (error instanceof KoboldError) return { code: error.code, message: error.message };
  return { code: "internal", message: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
}

export function parseThreadError({ code, message }: PlainError): KoboldError {
  return new KoboldError(code, message);
}
