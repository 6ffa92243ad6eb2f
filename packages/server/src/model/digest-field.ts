import { type Digest, KoboldError } from "@koboldfs/protocol";

/**
 * One member of a digest field: `sha-256=:BASE64:` with parameters nobody needs. The fields are dictionaries of
 * structured fields (RFC 8941) whose members are byte sequences (RFC 9530 section 2).
 */
const MEMBER =
  /[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):((?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=[^,;"]*)?)*)[ \t]*(,|$)/y;
const SHA256_BYTES = 32;

/**
 * The SHA-256 that a Content-Digest or Repr-Digest header announces; other algorithms are passed over, and of several
 * the last counts, as dictionaries have it. Throws `invalid_digest` for a header that is no such field.
 */
export function parseSha256(header: string | string[] | undefined): Digest | undefined {
  if (header === undefined) return undefined;
  const text = String(header);
  let digest: Digest | undefined;
  MEMBER.lastIndex = 0;
  for (let more = true; more; ) {
    const match = MEMBER.exec(text);
    if (match === null) throw new KoboldError("invalid_digest", "the digest field is not ALGORITHM=:BASE64:, …");
    if (match[1] === "sha-256") digest = fromBase64(match[2] ?? "");
    more = match[4] === ",";
  }
  return digest;
}

/** `sha-256=:BASE64:` for a Repr-Digest header. */
export function formatSha256(digest: Digest): string {
  return `sha-256=:${Buffer.from(digest, "hex").toString("base64")}:`;
}

function fromBase64(text: string): Digest {
  const bytes = Buffer.from(text, "base64");
  // Both checks: Buffer.from forgives everything, and two spellings of one digest would be two.
  if (bytes.length !== SHA256_BYTES || bytes.toString("base64") !== text) {
    throw new KoboldError("invalid_digest", "sha-256 is not 32 bytes in base64");
  }
  return bytes.toString("hex") as Digest;
}
