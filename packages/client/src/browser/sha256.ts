import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Hasher } from "../platform.js";

/** SHA-256 piece by piece, which the browser's own SubtleCrypto cannot do. */
export function createHasher(): Hasher {
  const hash = sha256.create();
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => bytesToHex(hash.digest()),
  };
}

export function hashBytes(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}
