import { KoboldError } from "./error.js";
import { HEADER } from "./headers.js";

/**
 * All metadata headers of a file together, names without the prefix and values as they travel. Clients and proxies
 * take 8 to 16 KiB of headers in all, and what was stored must come back out.
 */
export const MAX_METADATA_BYTES = 8192;

/** Lower case, since HTTP does not tell the cases apart. */
const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9._-]{0,63})$/;
/** What travels as it is: printable ASCII that no parser trims. */
const PLAIN_VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
const EXTENDED_PREFIX = "UTF-8''";

/**
 * Metadata as headers. A value that is not plain printable ASCII travels percent-encoded as RFC 8187 has it, under its
 * name with a star: `Koboldfs-Meta-Title*: UTF-8''na%C3%AFve`. Throws `invalid_metadata`.
 */
export function formatMetadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!NAME_PATTERN.test(name)) throw invalid(`not a metadata name: ${JSON.stringify(name.slice(0, 80))}`);
    const plain = PLAIN_VALUE.test(value);
    const text = plain ? value : EXTENDED_PREFIX + encodeExtended(name, checkStorable(name, value));
    headers[`${HEADER.metadataPrefix}${name}${plain ? "" : "*"}`] = text;
    sizeBytes += name.length + text.length;
  }
  checkSize(sizeBytes);
  return headers;
}

/** The metadata among headers with lower-case names; the inverse of `formatMetadataHeaders`. Throws `invalid_metadata`. */
export function parseMetadataHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const metadata: Record<string, string> = {};
  let sizeBytes = 0;
  for (const header in headers) {
    if (!header.startsWith(HEADER.metadataPrefix)) continue;
    const text = String(headers[header]);
    const extended = header.endsWith("*");
    const name = header.slice(HEADER.metadataPrefix.length, extended ? -1 : undefined);
    if (!NAME_PATTERN.test(name)) throw invalid(`not a metadata name: ${JSON.stringify(name.slice(0, 80))}`);
    if (Object.hasOwn(metadata, name)) throw invalid(`${name} is given with and without a star`);
    metadata[name] = extended ? decodeExtended(name, text) : checkPlain(name, text);
    sizeBytes += name.length + text.length;
  }
  checkSize(sizeBytes);
  return metadata;
}

function encodeExtended(name: string, value: string): string {
  try {
    // RFC 8187 section 3.2.1: of what encodeURIComponent leaves alone, these are no attr-char.
    return encodeURIComponent(value).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  } catch (cause) {
    throw invalid(`the value of ${name} is not valid Unicode`, cause);
  }
}

function decodeExtended(name: string, text: string): string {
  if (text.slice(0, EXTENDED_PREFIX.length).toUpperCase() !== EXTENDED_PREFIX) {
    throw invalid(`the value of ${name}* does not begin with UTF-8''`);
  }
  return checkStorable(name, decodeValue(name, text.slice(EXTENDED_PREFIX.length)));
}

function decodeValue(name: string, encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw invalid(`the value of ${name}* is not percent-encoded UTF-8`, cause);
  }
}

/** Not every catalog can keep a NUL. */
function checkStorable(name: string, value: string): string {
  if (value.includes("\0")) throw invalid(`the value of ${name} holds a NUL`);
  return value;
}

function checkPlain(name: string, text: string): string {
  if (!PLAIN_VALUE.test(text)) {
    throw invalid(
      `the value of ${name} is not printable ASCII; send it as ${HEADER.metadataPrefix}${name}* (RFC 8187)`,
    );
  }
  return text;
}

function checkSize(sizeBytes: number): void {
  if (sizeBytes > MAX_METADATA_BYTES) {
    throw invalid(`the metadata have ${sizeBytes} bytes; at most ${MAX_METADATA_BYTES} are allowed`);
  }
}

function invalid(message: string, cause?: unknown): KoboldError {
  return new KoboldError("invalid_metadata", message, { cause });
}
