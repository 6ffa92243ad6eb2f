import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** A secret for direct URLs, and the id under which a URL names it, so that keys can be changed one after the other. */
export interface UrlKey {
  readonly id: string;
  readonly secret: string;
}

/** What a signature vouches for: these bytes under this file name. Never host, scheme or what stands before. */
export interface SignedName {
  readonly namespace: string;
  readonly digest: string;
  /** Decoded. */
  readonly name: string;
}

export type UrlVerdict = "good" | "expired" | "forged";

/** Which key signs URLs when none is configured. */
const DERIVED_ID = "cluster";

/** A key from what all nodes of a cluster know, for those who configured none. */
export function deriveUrlKey(clusterSecret: string): UrlKey {
  const secret = createHmac("sha256", clusterSecret).update("koboldfs direct urls").digest("hex");
  return { id: DERIVED_ID, secret };
}

/**
 * Signs and checks direct URLs. The form is that of nginx's `secure_link` module (`secure_link_md5`), so that a web server
 * checks them without asking us: base64url of MD5 over expiry, name and secret. The secret stands last, where the known
 * extension of MD5 does not reach; finding another name for a given signature would take a second preimage.
 */
export class UrlSigner {
  readonly #keys: readonly UrlKey[];

  /** The first key signs, all are accepted. */
  constructor(keys: readonly UrlKey[]) {
    this.#keys = keys;
  }

  /** The query of the URL. `expires` is in seconds since 1970. */
  sign(name: SignedName, expires: number): string {
    const [key] = this.#keys;
    if (key === undefined) throw new Error("there is no key to sign with");
    return `k=${key.id}&e=${expires}&s=${digestOf(name, String(expires), key.secret)}`;
  }

  check(name: SignedName, query: URLSearchParams, nowSeconds: number): UrlVerdict {
    const [id, expires, signature] = ["k", "e", "s"].map((part) => query.get(part) ?? "");
    const key = this.#keys.find((one) => one.id === id);
    if (key === undefined || expires === undefined || signature === undefined || !/^\d{1,12}$/.test(expires)) {
      return "forged";
    }
    const expected = Buffer.from(digestOf(name, expires, key.secret));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "forged";
    return Number(expires) < nowSeconds ? "expired" : "good";
  }
}

function digestOf({ namespace, digest, name }: SignedName, expires: string, secret: string): string {
  return createHash("md5").update(`${expires} ${namespace}/${digest}/${name} ${secret}`).digest("base64url");
}
