import { randomUUID } from "node:crypto";
import { type ErrorCode, KoboldError, type Problem } from "@koboldfs/protocol";
import type { Logger } from "../runtime/logger.js";

/** Long enough for a restart or a failover to make progress, short enough that nobody notices it twice. */
export const RETRY_AFTER_SECONDS = 1;

/** What the web framework calls its errors, and what we call them. */
const FRAMEWORK_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported_media_type",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "body_too_short",
};

/** Any failure as RFC 9457 problem details. What we did not foresee is `internal`, and tells nothing of its insides. */
export function problemOf(error: unknown): Problem {
  const known = toKoboldError(error);
  const { status, hint, retryable } = known.rule;
  return {
    type: `urn:koboldfs:problem:${known.code}`,
    title: known.code.replaceAll("_", " "),
    status,
    code: known.code,
    detail: known.message,
    hint,
    retryable,
    ...(status >= 500 && { instance: `urn:uuid:${randomUUID()}` }),
  };
}

/** Failures of ours are logged under the instance id that the caller was told; those of callers are theirs. */
export function logProblem(log: Logger, problem: Problem, error: unknown): void {
  if (problem.instance === undefined) return;
  const fields = { instance: problem.instance, code: problem.code, err: error };
  if (problem.code === "internal") log.error(fields, "a request failed for an unforeseen reason");
  else log.warn(fields, `a request failed: ${problem.detail}`);
}

function toKoboldError(error: unknown): KoboldError {
  if (error instanceof KoboldError) return error;
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  const ours = FRAMEWORK_CODES[code ?? ""];
  if (ours !== undefined) return new KoboldError(ours, message ?? ours, { cause: error });
  // Validation and syntax errors of requests carry a 4xx and a message about the request only.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new KoboldError("invalid_request", message ?? "the request is malformed", { cause: error });
  }
  return new KoboldError("internal", "something unforeseen went wrong", { cause: error });
}
