import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePercent } from "./percent-encoding.js";

const encodeAll = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

describe("decodePercent", () => {
  it("brings back what was encoded, minimally or in full", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!/\p{Surrogate}/u.test(text));
        expect(decodePercent(encodeURIComponent(text))).toBe(text);
        expect(decodePercent(encodeAll(text))).toBe(text);
        expect(decodePercent(encodeAll(text).toUpperCase())).toBe(text);
      }),
    );
  });

  it("changes nothing else: neither plus, nor dots, nor slashes, nor a byte order mark", () => {
    expect(decodePercent("a+b/../%2e%2E//.%2F")).toBe("a+b/../..//./");
    expect(decodePercent("%EF%BB%BFa")).toBe("\uFEFFa");
  });

  it.each(["%", "a%", "%4", "%4g", "%g4", "% 41", "%+1", "%ff", "%C3", "%ED%A0%80", "%C0%AF", "ü", "ā%20"])(
    "refuses %j",
    (text) => {
      expect(decodePercent(text)).toBeUndefined();
    },
  );
});
