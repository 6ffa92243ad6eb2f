import { KoboldError } from "@koboldfs/protocol";
import type { SqlDialect, SqlFailure } from "./dialect.js";

/** This side cut the connection: a deadline passed, the catalog is closing, or a test wants to see what happens. */
export class ConnectionCut extends Error {
  override readonly name = "ConnectionCut";
}

export function classifyFailure(dialect: SqlDialect, error: unknown): SqlFailure {
  return error instanceof ConnectionCut ? "disconnected" : dialect.classify(error);
}

/** What a caller is told when a statement failed for good. */
export function translateFailure(failure: SqlFailure, cause: unknown): KoboldError {
  if (cause instanceof KoboldError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (failure === "disconnected")
    return new KoboldError("catalog_unavailable", `the catalog does not answer: ${reason}`, { cause });
  if (failure === "exhausted")
    return new KoboldError("catalog_unavailable", `the catalog has no room: ${reason}`, { cause });
  if (failure === "contended") return new KoboldError("commit_contended", `the catalog is busy: ${reason}`, { cause });
  return new KoboldError("internal", `the catalog refused a statement: ${reason}`, { cause });
}
