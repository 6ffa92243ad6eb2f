import type { Digest } from "@koboldfs/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSha256, parseSha256 } from "./digest-field.js";

const DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" as Digest;
const FIELD = "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:";

describe("digest fields", () => {
  it("are the base64 of the digest, and back", () => {
    expect(formatSha256(DIGEST)).toBe(FIELD);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const digest = Buffer.from(bytes).toString("hex") as Digest;
        expect(parseSha256(formatSha256(digest))).toBe(digest);
      }),
    );
  });

  it("pass over algorithms that are not ours, before and behind", () => {
    expect(parseSha256(`md5=:AAAA:, ${FIELD} , sha-512=:AAAA:`)).toBe(DIGEST);
    expect(parseSha256("unixsum=:AAAA:")).toBeUndefined();
    expect(parseSha256(undefined)).toBeUndefined();
  });

  it("pass over parameters, and let the last of two count", () => {
    expect(parseSha256(`sha-256=:${"A".repeat(43)}=:, ${FIELD};note=1`)).toBe(DIGEST);
  });

  it.each([
    "",
    "sha-256",
    `sha-256=${DIGEST}`,
    "sha-256=:AAAA:",
    "sha-256=::",
    FIELD.replace("gg=:", "gh=:"),
    FIELD.replace("=:", ":").slice(0, -2),
    `${FIELD},`,
    `${FIELD} md5=:AAAA:`,
    `SHA-256=:${"A".repeat(43)}=:`,
  ])("that are malformed are refused: %s", (field) => {
    expect(() => parseSha256(field)).toThrow(expect.objectContaining({ code: "invalid_digest" }));
  });
});
