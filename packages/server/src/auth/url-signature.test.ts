import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveUrlKey, UrlSigner } from "./url-signature.js";

const NAME = { namespace: "photos", digest: "ab".repeat(32), name: "cat ü.jpg" };
const OLD = { id: "1", secret: "first-secret-of-the-test" };
const NEW = { id: "2", secret: "second-secret-of-the-test" };

describe("a signature of a direct URL", () => {
  it("is good until its expiry, and expired then", () => {
    const signer = new UrlSigner([NEW]);
    const query = new URLSearchParams(signer.sign(NAME, 1000));
    expect(signer.check(NAME, query, 1000)).toBe("good");
    expect(signer.check(NAME, query, 1001)).toBe("expired");
  });

  it("is what nginx computes", () => {
    // printf '%s' '1000 photos/DIGEST/cat ü.jpg second-secret-of-the-test' | openssl md5 -binary | basenc --base64url
    expect(new UrlSigner([NEW]).sign(NAME, 1000)).toMatch(/^k=2&e=1000&s=[\w-]{22}$/);
  });

  it("is good for no other name, expiry or key", () => {
    const signer = new UrlSigner([NEW, OLD]);
    fc.assert(
      fc.property(
        fc.record({ namespace: fc.string(), digest: fc.string(), name: fc.string() }),
        fc.nat({ max: 2 ** 31 }),
        (name, expires) => {
          const query = new URLSearchParams(signer.sign(name, expires));
          expect(signer.check(name, query, 0)).toBe("good");
          expect(signer.check({ ...name, name: `${name.name}x` }, query, 0)).toBe("forged");
          expect(signer.check({ ...name, digest: `${name.digest}0` }, query, 0)).toBe("forged");
          expect(signer.check({ ...name, namespace: `${name.namespace}-` }, query, 0)).toBe("forged");
          for (const [part, value] of [
            ["e", String(expires + 1)],
            ["k", "1"],
            ["k", "3"],
            ["s", "x"],
          ] as const) {
            const changed = new URLSearchParams(query);
            changed.set(part, value);
            expect(signer.check(name, changed, 0)).toBe("forged");
          }
        },
      ),
    );
    expect(signer.check(NAME, new URLSearchParams(), 0)).toBe("forged");
  });

  it("outlives the change of keys as long as its key is among them", () => {
    const query = new URLSearchParams(new UrlSigner([OLD]).sign(NAME, 1000));
    expect(new UrlSigner([NEW, OLD]).check(NAME, query, 0)).toBe("good");
    expect(new UrlSigner([NEW]).check(NAME, query, 0)).toBe("forged");
  });

  it("of a derived key is the same on all nodes of a cluster and on no others", () => {
    expect(deriveUrlKey("secret")).toEqual(deriveUrlKey("secret"));
    expect(deriveUrlKey("secret").secret).not.toBe(deriveUrlKey("secret2").secret);
  });
});
