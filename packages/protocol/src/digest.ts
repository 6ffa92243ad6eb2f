import { KoboldError } from "./error.js";

/** The SHA-256 of some bytes: 64 lower-case hex digits. It names a blob inside its namespace and is the file's ETag. */
export type Digest = string & { readonly __brand: "Digest" };

const DIGEST_PATTERN = /^[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return DIGEST_PATTERN.test(text);
}

/** Throws `invalid_digest` unless `text` is 64 lower-case hex digits. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new KoboldError("invalid_digest", `not a SHA-256 in hex: ${text.slice(0, 80)}`);
  return text;
}
