import type { IncomingHttpHeaders } from "node:http";
import {
  formatMetadataHeaders,
  HEADER,
  KoboldError,
  parseDigest,
  parseFileKey,
  parseNamespaceName,
} from "@koboldfs/protocol";
import type { UploadIntent } from "../../model/upload.js";
import { formatSha256 } from "../../model/digest-field.js";
import { parsePutHeaders } from "../put-headers.js";

/** Names whose value is that of a header of a put. */
const HEADER_OF_NAME: Readonly<Record<string, string>> = {
  "content-type": "content-type",
  "if-match": "if-match",
  "if-none-match": "if-none-match",
  "idempotency-key": HEADER.idempotencyKey,
  "min-copies": HEADER.minCopies,
};

/** What other people's tus clients call the content type, in the order in which they count. */
const FOREIGN_TYPES = ["filetype", "type"];
/** What they send along by themselves and we have no use for. */
const FOREIGN_NAMES: ReadonlySet<string> = new Set([...FOREIGN_TYPES, "filename", "name", "relativePath"]);

const USER_PREFIX = "meta-";
const PAIR = /^[ \t]*([^\s,]+)(?: +([A-Za-z0-9+/]*={0,2}))?[ \t]*$/;

/**
 * What an Upload-Metadata header says of the file. A name that means nothing is refused: it may be a misspelt condition.
 * Throws `invalid_request`, `invalid_namespace`, `invalid_key`, `invalid_digest`, `invalid_metadata`.
 */
export function parseUploadMetadata(header: string): UploadIntent {
  const values = parsePairs(header);
  const { sizeBytes: _, ...put } = parsePutHeaders(headersOf(values));
  return {
    ...put,
    namespace: parseNamespaceName(required(values, "namespace")),
    key: parseFileKey(required(values, "key")),
  };
}

/** `name BASE64, name BASE64, …` of tus 1.0.0; values are UTF-8 here. */
function parsePairs(header: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of header.split(",")) {
    const match = PAIR.exec(pair);
    const name = match?.[1];
    if (name === undefined) throw invalid("it is not a list of names, each with a value in base64");
    if (values.has(name)) throw invalid(`${name} is given twice`);
    if (!isKnown(name)) throw invalid(`${JSON.stringify(name.slice(0, 80))} means nothing here`);
    values.set(name, decodeValue(name, match?.[2] ?? ""));
  }
  return values;
}

function decodeValue(name: string, base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  // Buffer.from forgives everything, and a value that is not what its sender meant must not name a file.
  if (bytes.toString("base64") !== base64) throw invalid(`the value of ${name} is not base64`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid(`the value of ${name} is not UTF-8`, cause);
  }
}

function isKnown(name: string): boolean {
  return (
    ["namespace", "key", "digest"].includes(name) ||
    Object.hasOwn(HEADER_OF_NAME, name) ||
    FOREIGN_NAMES.has(name) ||
    name.startsWith(USER_PREFIX)
  );
}

/** The same as a put would say it, so that it is read by the same rules. */
function headersOf(values: ReadonlyMap<string, string>): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const [name, header] of Object.entries(HEADER_OF_NAME)) {
    const value = values.get(name);
    if (value !== undefined) headers[header] = value;
  }
  const foreignType = FOREIGN_TYPES.map((name) => values.get(name)).find((type) => type !== undefined && type !== "");
  if (foreignType !== undefined) headers["content-type"] ??= foreignType;
  const digest = values.get("digest");
  if (digest !== undefined) headers[HEADER.reprDigest] = formatSha256(parseDigest(digest));
  return Object.assign(headers, formatMetadataHeaders(userMetadataOf(values)));
}

function userMetadataOf(values: ReadonlyMap<string, string>): Record<string, string> {
  const own = [...values].filter(([name]) => name.startsWith(USER_PREFIX));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(USER_PREFIX.length), value]));
}

function required(values: ReadonlyMap<string, string>, name: string): string {
  const value = values.get(name);
  if (value === undefined) throw invalid(`${name} is missing`);
  return value;
}

function invalid(why: string, cause?: unknown): KoboldError {
  return new KoboldError("invalid_request", `Upload-Metadata cannot be used: ${why}`, { cause });
}
