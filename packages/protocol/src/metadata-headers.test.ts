import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatMetadataHeaders, MAX_METADATA_BYTES, parseMetadataHeaders } from "./metadata-headers.js";

const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);
const value = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", " ", "é", "'()*", "100%", " led", "trailed\t", "UTF-8''x", "\u{1F409}", "\r\nX: y"),
);
const LONE_SURROGATE = /\p{Surrogate}/u;
const storable = value.filter((text) => !text.includes("\0") && !LONE_SURROGATE.test(text));

describe("metadata headers", () => {
  it("bring back every value that can be stored", () => {
    fc.assert(
      fc.property(fc.dictionary(name, storable, { maxKeys: 8 }), (metadata) => {
        expect(parseMetadataHeaders(formatMetadataHeaders(metadata))).toEqual({ ...metadata });
      }),
    );
  });

  it("are printable ASCII, so that no parser on the way can change them", () => {
    fc.assert(
      fc.property(fc.dictionary(name, storable, { maxKeys: 8 }), (metadata) => {
        for (const text of Object.values(formatMetadataHeaders(metadata))) expect(text).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });

  it("pass over other headers", () => {
    expect(parseMetadataHeaders({ host: "x", "koboldfs-version": "1", "koboldfs-meta-a": "b" })).toEqual({ a: "b" });
  });

  it.each([
    ["a name that is none", { "koboldfs-meta-": "x" }],
    ["a name with a space", { "koboldfs-meta-a b": "x" }],
    ["bytes beyond ASCII as they are", { "koboldfs-meta-a": "Ã©" }],
    ["a name given twice, plain and extended", { "koboldfs-meta-a": "x", "koboldfs-meta-a*": "UTF-8''y" }],
    ["another charset", { "koboldfs-meta-a*": "ISO-8859-1''%E9" }],
    ["bytes that are not UTF-8", { "koboldfs-meta-a*": "UTF-8''%FF" }],
    ["a NUL", { "koboldfs-meta-a*": "UTF-8''%00" }],
    ["more than 8 KiB", { "koboldfs-meta-a": "x".repeat(MAX_METADATA_BYTES) }],
  ])("refuse %s", (_, headers) => {
    expect(() => parseMetadataHeaders(headers)).toThrow(expect.objectContaining({ code: "invalid_metadata" }));
  });

  it("refuse to be made of what cannot be stored", () => {
    const bad: Record<string, string>[] = [
      { A: "x" },
      { a: "\ud800" },
      { a: "\0" },
      { a: "x".repeat(MAX_METADATA_BYTES) },
    ];
    for (const metadata of bad) {
      expect(() => formatMetadataHeaders(metadata)).toThrow(expect.objectContaining({ code: "invalid_metadata" }));
    }
  });
});
