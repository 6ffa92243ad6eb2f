/** Raw request paths. Built here and never by a URL class: those fold `..` and `//`, which are legal in keys. */

import { KoboldError } from "@koboldfs/protocol";
import type { PastOptions, UrlOptions } from "./client-options.js";

export function formatNamespacePath(namespace: string): string {
  return `/v1/namespaces/${encodeURIComponent(namespace)}`;
}

export function formatNamespaceFilesPath(namespace: string): string {
  return `/v1/files/${encodeURIComponent(namespace)}`;
}

export function formatFilePath(namespace: string, key: string): string {
  return `${formatNamespaceFilesPath(namespace)}/${encodeKey(key)}`;
}

/**
 * Slashes stay, unless there are steps (`.`, `..`) between them: then they are encoded, so that nothing on the way sees
 * the steps.
 */
export function encodeKey(key: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(key)) return key;
  if (key === "." || key === "..") return key.replaceAll(".", "%2E");
  const segments = key.split("/");
  const slash = segments.includes(".") || segments.includes("..") ? "%2F" : "/";
  return segments.map(encodeURIComponent).join(slash);
}

/** With its question mark, or empty: which state of the file is meant. Throws `invalid_request` when two are. */
export function formatPastQuery({ version, asOf, consistency }: PastOptions): string {
  const wishes = { version, "as-of": asOf, consistency };
  const [first, ...others] = Object.entries(wishes).filter(([, value]) => value !== undefined);
  if (others.length > 0) throw new KoboldError("invalid_request", "version, asOf and consistency exclude each other");
  return first === undefined ? "" : `?${first[0]}=${encodeURIComponent(String(first[1]))}`;
}

/** What is asked of a file's URL for a direct URL. */
export function formatUrlQuery({ ttlSeconds, zone }: UrlOptions): string {
  const query = ["url"];
  if (ttlSeconds !== undefined) query.push(`ttl=${ttlSeconds}`);
  if (zone !== undefined) query.push(`zone=${encodeURIComponent(zone)}`);
  return query.join("&");
}
