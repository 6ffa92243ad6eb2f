import type { FileKey, NamespaceName } from "@koboldfs/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatFileUrl, parseFileUrl, parseListingUrl, routeOf } from "./file-url.js";

const namespace = "demo" as NamespaceName;
const refusal = (code: string) => expect.objectContaining({ code });

describe("parseFileUrl", () => {
  it.each([
    ["a/b", "a/b"],
    ["..", ".."],
    ["../../etc/passwd", "../../etc/passwd"],
    ["%2e%2e/x", "../x"],
    ["a//b", "a//b"],
    ["/", "/"],
    ["a/", "a/"],
    ["a%2Fb", "a/b"],
    ["a+b", "a+b"],
    ["a%20b", "a b"],
    ["a%3Fb", "a?b"],
    ["a%23b#c", "a#b#c"],
    ["%25", "%"],
    ["%F0%9F%90%89", "🐉"],
    [";a=b", ";a=b"],
  ])("reads %s as %s", (encoded, key) => {
    expect(parseFileUrl(`/v1/files/demo/${encoded}`)).toEqual({ namespace, key });
    expect(routeOf(`/v1/files/demo/${encoded}`)).toBe("/v1/files/-/-");
  });

  it("takes the absolute form too", () => {
    expect(parseFileUrl("http://host:80/v1/files/demo/a")).toEqual({ namespace, key: "a" });
    expect(routeOf("HTTP://host/v1/files/demo/a")).toBe("/v1/files/-/-");
    expect(routeOf("http://host/healthz")).toBe("/healthz");
  });

  it.each([
    ["/v1/files/demo/", "invalid_key"],
    ["/v1/files/demo/%ff", "invalid_key"],
    ["/v1/files/demo/%", "invalid_key"],
    ["/v1/files/demo/%zz", "invalid_key"],
    ["/v1/files/demo/a%00b", "invalid_key"],
    [`/v1/files/demo/${"a".repeat(1025)}`, "invalid_key"],
    [`/v1/files/demo/${"%C3%A9".repeat(513)}`, "invalid_key"],
    ["/v1/files//a", "invalid_namespace"],
    ["/v1/files/../a", "invalid_namespace"],
    ["/v1/files/De%6Do/a", "invalid_namespace"],
    ["/v1/files/%ff/a", "invalid_namespace"],
    ["/v1/files/demo/a?b", "invalid_request"],
  ])("refuses %s as %s", (url, code) => {
    expect(() => parseFileUrl(url)).toThrow(refusal(code));
  });

  it("takes the longest key", () => {
    expect(parseFileUrl(`/v1/files/demo/${"%C3%A9".repeat(512)}`).key).toHaveLength(512);
  });
});

describe("formatFileUrl", () => {
  const key = fc
    .oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(".", "..", "", "a b", "%")).map((parts) => parts.join("/")),
    )
    .filter((text) => text.length > 0 && !text.includes("\0") && !/\p{Surrogate}/u.test(text));

  it("is read back as the same key", () => {
    fc.assert(
      fc.property(key, (text) => {
        const name = { namespace, key: text as FileKey };
        expect(parseFileUrl(formatFileUrl(name))).toEqual(name);
      }),
    );
  });

  it("survives clients that normalise paths, unless the whole key is a dot segment", () => {
    fc.assert(
      fc.property(key, (text) => {
        fc.pre(text !== "." && text !== "..");
        const name = { namespace, key: text as FileKey };
        expect(parseFileUrl(new URL(formatFileUrl(name), "http://host").pathname)).toEqual(name);
      }),
    );
  });
});

describe("parseListingUrl", () => {
  it("keeps the query as it is", () => {
    expect(parseListingUrl("/v1/files/demo?prefix=a%2Fb")).toEqual({ namespace, query: "prefix=a%2Fb" });
    expect(parseListingUrl("/v1/files/demo")).toEqual({ namespace, query: "" });
    expect(routeOf("/v1/files/demo?prefix=a/b")).toBe("/v1/files/-");
  });
});
