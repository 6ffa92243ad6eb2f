import { type Digest, isDigest } from "@koboldfs/protocol";

/** `Repr-Digest` and `Content-Digest` of RFC 9530, for SHA-256: hex to `sha-256=:BASE64:`. */
export function formatDigestHeader(digest: string): string {
  const binary = digest.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16)));
  return `sha-256=:${btoa(binary)}:`;
}

/** The SHA-256 of such a header in hex; undefined when there is none that can be read. */
export function parseDigestHeader(text: string | undefined): Digest | undefined {
  const base64 = text === undefined ? undefined : /(?:^|[,\s])sha-256=:([A-Za-z0-9+/]{43}=):/.exec(text)?.[1];
  if (base64 === undefined) return undefined;
  const hex = Array.from(atob(base64), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return isDigest(hex) ? hex : undefined;
}

/** The digest in an `ETag`; undefined for a tag of another kind. */
export function parseEntityTag(text: string | undefined): Digest | undefined {
  const tag = text?.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : "";
  return isDigest(tag) ? tag : undefined;
}
