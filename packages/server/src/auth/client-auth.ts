import { createHash, timingSafeEqual } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";

/** Who asks, such that two requests can be told to be the same caller's on every node; says nothing of the token. */
export interface ClientCaller {
  readonly id: string;
}

/** Decides who may ask this node for something. */
export interface ClientAuth {
  /** Takes the Authorization header. Throws `unauthorized`. */
  check(authorization: string | undefined): ClientCaller;
}

/** Nobody needs a token here, so all are the same. */
const ANYBODY: ClientCaller = { id: "" };
/** Digits of a caller's id: enough that no two tokens of a cluster share one. */
const CALLER_DIGITS = 16;

/** RFC 6750 section 2.1; the scheme's name is not case-sensitive (RFC 9110 section 11.1). */
const BEARER = /^bearer +([\x21-\x7e]+) *$/i;

/** Without a token everybody who can connect may ask: only for nodes that nobody else can connect to. */
export function createClientAuth(token: string | undefined): ClientAuth {
  if (token === undefined) return { check: () => ANYBODY };
  const expected = hash(token);
  const caller = { id: hash(`koboldfs caller ${token}`).toString("hex").slice(0, CALLER_DIGITS) };
  return {
    check(authorization) {
      if (authorization === undefined) throw new KoboldError("unauthorized", "the request carries no credentials");
      const given = BEARER.exec(authorization)?.[1];
      // Hashes have one length and hide where two tokens begin to differ.
      if (given === undefined || !timingSafeEqual(hash(given), expected)) {
        throw new KoboldError("unauthorized", "these credentials are not known here");
      }
      return caller;
    },
  };
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
