import { type FileKey, KoboldError, type NamespaceName, parseFileKey, parseNamespaceName } from "@koboldfs/protocol";
import { decodePercent } from "../model/percent-encoding.js";

const FILES = "/v1/files/";
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/** The parts of a files URL as they stand in the request line; undefined for other URLs. */
interface RawFileUrl {
  readonly namespace: string;
  readonly key: string | undefined;
  readonly query: string;
}

/**
 * Where the router shall send a request: keys are opaque, so the router sees none of them. It would decode them,
 * fold them or refuse them.
 */
export function routeOf(url: string): string {
  // A server must take the form that proxies are sent (RFC 9112 section 3.2.2).
  const path = url.startsWith("/") ? url : url.replace(ABSOLUTE_FORM, "");
  if (!path.startsWith(FILES)) return path;
  const { key } = splitFileUrl(path);
  return key === undefined ? `${FILES}-` : `${FILES}-/-`;
}

export interface FileName {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
}

/** Throws `invalid_namespace`, `invalid_key`, or `invalid_request` when there is a query. */
export function parseFileUrl(url: string): FileName {
  const { namespace, key = "", query } = splitFileUrl(url);
  if (query !== "")
    throw new KoboldError("invalid_request", "a file's URL takes no query; '?' in a key is sent as %3F");
  return { namespace: parseNamespace(namespace), key: parseKey(key) };
}

/** As `parseFileUrl`, with the query for who takes one. */
export function parseQueriedFileUrl(url: string): FileName & { readonly query: string } {
  const { namespace, key = "", query } = splitFileUrl(url);
  return { namespace: parseNamespace(namespace), key: parseKey(key), query };
}

export interface ListingName {
  readonly namespace: NamespaceName;
  readonly query: string;
}

/** Throws `invalid_namespace`. */
export function parseListingUrl(url: string): ListingName {
  const { namespace, query } = splitFileUrl(url);
  return { namespace: parseNamespace(namespace), query };
}

/** The URL of a file, such that no client on the way takes a part of the key for a step upwards. */
export function formatFileUrl({ namespace, key }: FileName): string {
  const segments = key.split("/").map(encodeURIComponent);
  const slash = segments.includes(".") || segments.includes("..") ? "%2F" : "/";
  return `${FILES}${namespace}/${segments.join(slash)}`;
}

function splitFileUrl(url: string): RawFileUrl {
  const path = url.startsWith("/") ? url : url.replace(ABSOLUTE_FORM, "");
  if (!path.startsWith(FILES)) throw new KoboldError("route_not_found", "there is nothing at this URL");
  const queryAt = path.indexOf("?", FILES.length);
  const name = queryAt === -1 ? path.slice(FILES.length) : path.slice(FILES.length, queryAt);
  const query = queryAt === -1 ? "" : path.slice(queryAt + 1);
  const slashAt = name.indexOf("/");
  if (slashAt === -1) return { namespace: name, key: undefined, query };
  return { namespace: name.slice(0, slashAt), key: name.slice(slashAt + 1), query };
}

function parseNamespace(encoded: string): NamespaceName {
  return parseNamespaceName(decodePercent(encoded) ?? encoded);
}

function parseKey(encoded: string): FileKey {
  const key = decodePercent(encoded);
  if (key === undefined) throw new KoboldError("invalid_key", "the key is not percent-encoded UTF-8");
  return parseFileKey(key);
}
