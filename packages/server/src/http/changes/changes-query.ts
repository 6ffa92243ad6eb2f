import type { IncomingHttpHeaders } from "node:http";
import { KoboldError, parseNamespaceName } from "@koboldfs/protocol";
import type { ChangeFilter } from "../../model/noted-change.js";
import { readQuery } from "../read-query.js";

/** What a follower of changes asks for. */
export interface ChangesQuery {
  readonly filter: ChangeFilter;
  /** Undefined: from now on. */
  readonly after: number | undefined;
  /** Undefined when nothing was said. */
  readonly waitMs: number | undefined;
  readonly limit: number | undefined;
  readonly form: "lines" | "events";
}

const NAMES = ["namespace", "prefix", "after", "wait", "limit"];
/** A connection without news for longer is cut by most proxies anyway; whoever wants more asks again. */
const MAX_WAIT_MS = 300_000;
export const MAX_CHANGES = 1000;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** Throws `invalid_request` and `invalid_namespace`. An event stream that is resumed says so in its `Last-Event-ID`. */
export function parseChangesQuery(url: string, headers: IncomingHttpHeaders): ChangesQuery {
  const queryAt = url.indexOf("?");
  const values = readQuery(queryAt < 0 ? "" : url.slice(queryAt + 1), NAMES);
  const [namespace, prefix, after, wait, limit] = NAMES.map((name) => values.get(name));
  const isStream = (headers.accept ?? "").toLowerCase().includes("text/event-stream");
  const lastEvent = isStream ? headers["last-event-id"] : undefined;
  const position = typeof lastEvent === "string" && lastEvent !== "" ? lastEvent : after;
  return {
    filter: {
      ...(namespace !== undefined && { namespace: parseNamespaceName(namespace) }),
      ...(prefix !== undefined && { prefix }),
    },
    after: position === undefined ? undefined : parseNumber(position),
    waitMs: wait === undefined ? undefined : parseWait(wait),
    limit: limit === undefined ? undefined : parseLimit(limit),
    form: isStream ? "events" : "lines",
  };
}

function parseNumber(text: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw invalid(`not a number of the journal: ${text.slice(0, 40)}`);
}

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_CHANGES) return limit;
  throw invalid(`limit is not a number from 1 to ${MAX_CHANGES}`);
}

/** `30s`, `500ms`, `2m`, or seconds. */
function parseWait(text: string): number {
  const [, count = "", unit = "s"] = /^(\d{1,6})(ms|s|m)?$/.exec(text) ?? [];
  const waitMs = Number(count) * (UNITS_MS[unit] ?? 0);
  if (count !== "" && waitMs <= MAX_WAIT_MS) return waitMs;
  throw invalid(`wait is not a time such as 500ms, 30s or 5m, which is the longest: ${text.slice(0, 40)}`);
}

function invalid(message: string): KoboldError {
  return new KoboldError("invalid_request", message);
}
