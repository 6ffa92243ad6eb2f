import { KoboldError, parseNodeName } from "@koboldfs/protocol";
import type { Consistency } from "../files/catalog-reads.js";
import type { PastPoint } from "../files/file-history.js";
import { decodePercent } from "../model/percent-encoding.js";

/** What the query of a file's URL asks for besides the file as it is now. */
export type PastQuery =
  | { readonly kind: "now"; readonly consistency?: Consistency }
  | { readonly kind: "version"; readonly version: number }
  | { readonly kind: "as-of"; readonly asOf: PastPoint }
  | { readonly kind: "versions"; readonly before?: number; readonly limit: number }
  | { readonly kind: "url"; readonly ttlSeconds: number; readonly zone?: string };

/** The busiest query. */
const FROM_MIRROR: PastQuery = { kind: "now", consistency: "mirror" };
const MAX_LIMIT = 1000;
/** An hour: a page that shows the URL is read by then. */
const DEFAULT_TTL_SECONDS = 3600;
/** A month: a URL that is good for ever belongs into a namespace that is open to all. */
const MAX_TTL_SECONDS = 31 * 86_400;
const NAMES = ["version", "as-of", "versions", "before", "limit", "url", "ttl", "zone", "consistency"];
const MISUSE = "a file's URL takes version, as-of, versions, url or consistency; '?' in a key is sent as %3F";
/** RFC 3339 section 5.6, with a zone: a local time is a different moment on each machine. */
const TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/**
 * `version=N`, `as-of=N|TIME`, `versions[&before=N][&limit=N]`, `url[&ttl=SECONDS][&zone=NAME]` or
 * `consistency=strong|mirror`. Throws `invalid_request`.
 */
export function parsePastQuery(query: string): PastQuery {
  if (query === "") return { kind: "now" };
  if (query === "consistency=mirror") return FROM_MIRROR;
  const values = readPairs(query);
  if (values.has("url")) return parseUrlQuery(values);
  const [version, asOf, before, limit] = ["version", "as-of", "before", "limit"].map((name) => values.get(name));
  if (values.has("versions") && version === undefined && asOf === undefined) {
    const first = before === undefined ? {} : { before: parseNumber("before", before) };
    return { kind: "versions", ...first, limit: parseLimit(limit) };
  }
  if (values.size > 1) throw invalid("version, as-of, versions, url and consistency exclude each other");
  if (version !== undefined) return { kind: "version", version: parseNumber("version", version) };
  if (asOf !== undefined) return { kind: "as-of", asOf: parsePastPoint(asOf) };
  const consistency = values.get("consistency");
  if (consistency !== undefined) return { kind: "now", consistency: parseConsistency(consistency) };
  throw invalid(MISUSE);
}

/** `strong` or `mirror`. Throws `invalid_request`. */
export function parseConsistency(text: string): Consistency {
  if (text === "strong" || text === "mirror") return text;
  throw invalid("consistency is strong or mirror");
}

function parseUrlQuery(values: ReadonlyMap<string, string>): PastQuery {
  const [ttl, zone] = [values.get("ttl"), values.get("zone")];
  for (const name of values.keys()) if (!["url", "ttl", "zone"].includes(name)) throw invalid(MISUSE);
  const ttlSeconds = ttl === undefined ? DEFAULT_TTL_SECONDS : Number(/^\d{1,8}$/.test(ttl) ? ttl : Number.NaN);
  if (!(ttlSeconds >= 1 && ttlSeconds <= MAX_TTL_SECONDS)) {
    throw invalid(`ttl is not a number of seconds from 1 to ${MAX_TTL_SECONDS}`);
  }
  return { kind: "url", ttlSeconds, ...(zone !== undefined && { zone: parseNodeName(zone) }) };
}

/** A journal number or an RFC 3339 time. Throws `invalid_request`. */
export function parsePastPoint(text: string): PastPoint {
  if (/^\d{1,16}$/.test(text)) return { number: parseNumber("as-of", text) };
  const timeMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs))
    throw invalid(`as-of is neither a journal number nor an RFC 3339 time: ${text.slice(0, 40)}`);
  return { timeMs };
}

function readPairs(query: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of query.split("&")) {
    const [name = "", ...rest] = pair.split("=");
    if (!NAMES.includes(name)) throw invalid(MISUSE);
    // Here `+` is itself: it stands in times, and no value has a space.
    const value = decodePercent(rest.join("="));
    if (value === undefined || values.has(name)) throw invalid(`${name} is given twice or not percent-encoded UTF-8`);
    values.set(name, value);
  }
  return values;
}

function parseNumber(name: string, text: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw invalid(`${name} is not a journal number`);
}

function parseLimit(text: string | undefined): number {
  const limit = text === undefined ? MAX_LIMIT : parseNumber("limit", text);
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw invalid(`limit is not a number from 1 to ${MAX_LIMIT}`);
}

function invalid(message: string): KoboldError {
  return new KoboldError("invalid_request", message);
}
