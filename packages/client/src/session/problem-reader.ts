import { type ErrorCode, HEADER, isErrorCode, KoboldError } from "@koboldfs/protocol";
import type { TransportResponse } from "../platform.js";
import { AttemptFailure } from "./attempt-failure.js";

/** A problem document is a few hundred bytes; whoever sends more is no KoboldFS server. */
const MAX_PROBLEM_BYTES = 65_536;

/** For answers without a problem document (HEAD, proxies) and for codes that this client does not know. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  412: "precondition_failed",
  413: "too_large",
  416: "range_not_satisfiable",
  500: "internal",
  502: "server_unreachable",
  503: "server_unreachable",
  504: "server_unreachable",
  507: "disk_full",
};

/** Codes that say that this server as a whole is of no use for the moment, while another may be. */
const CODES_OF_A_SICK_SERVER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "server_unreachable",
  "catalog_unavailable",
  "shutting_down",
  "overloaded",
  "disk_failed",
]);

/** Makes a failure of an answer whose status is not what was hoped for; reads its body. */
export async function readProblem(response: TransportResponse): Promise<AttemptFailure> {
  const problem = await readProblemDocument(response);
  const told = problem["code"] ?? response.headers[HEADER.errorCode];
  const code = typeof told === "string" && isErrorCode(told) ? told : codeOfStatus(response.status);
  const detail = problem["detail"];
  const message = typeof detail === "string" && detail !== "" ? detail : `the server answered ${response.status}`;
  const error = new KoboldError(code, message);
  const retryable = problem["retryable"];
  const retryAfterMs = parseRetryAfter(response.headers["retry-after"]);
  return new AttemptFailure(error, {
    retryable: typeof retryable === "boolean" ? retryable : error.rule.retryable,
    avoidServer: CODES_OF_A_SICK_SERVER.has(code),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function codeOfStatus(status: number): ErrorCode {
  return CODE_OF_STATUS[status] ?? "invalid_response";
}

async function readProblemDocument(response: TransportResponse): Promise<Record<string, unknown>> {
  if (!(response.headers["content-type"] ?? "").includes("json")) {
    await response.finish();
    return {};
  }
  const bytes = await response.readBytes(MAX_PROBLEM_BYTES);
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof document === "object" && document !== null ? (document as Record<string, unknown>) : {};
  } catch {
    // A proxy's page in disguise: the status alone has to tell.
    return {};
  }
}

/** Only the form in seconds: the other needs clocks that agree. */
function parseRetryAfter(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) * 1000 : undefined;
}
