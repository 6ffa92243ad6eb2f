import { describe, expect, it } from "vitest";
import { parseIdempotencyKey, parsePrecondition, parsePutHeaders } from "./put-headers.js";

const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const field = "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:";
const refusal = (code: string) => expect.objectContaining({ code });

describe("parsePutHeaders", () => {
  it("needs none", () => {
    expect(parsePutHeaders({})).toEqual({ contentType: "application/octet-stream", metadata: {} });
  });

  it("reads all of them", () => {
    const headers = {
      "content-length": "5",
      "content-type": "text/plain; charset=utf-8",
      "content-digest": field,
      "if-none-match": "*",
      "idempotency-key": '"one"',
      "koboldfs-min-copies": "2",
      "koboldfs-meta-owner": "kobold",
    };
    expect(parsePutHeaders(headers)).toEqual({
      sizeBytes: 5,
      contentType: "text/plain; charset=utf-8",
      digest,
      precondition: { ifNoneMatch: "*" },
      idempotencyKey: "one",
      minCopies: 2,
      metadata: { owner: "kobold" },
    });
  });

  it.each([
    [{ "content-range": "bytes 0-1/2" }, "invalid_request"],
    [{ "content-encoding": "gzip" }, "unsupported_media_type"],
    [{ "content-digest": "nonsense" }, "invalid_digest"],
    [{ "content-digest": field, "repr-digest": `sha-256=:${"A".repeat(43)}=:` }, "invalid_digest"],
    [{ "koboldfs-min-copies": "0" }, "invalid_request"],
    [{ "koboldfs-min-copies": "1.5" }, "invalid_request"],
    [{ "koboldfs-min-copies": "101" }, "invalid_request"],
    [{ "content-type": "x".repeat(256) }, "invalid_request"],
    [{ "content-type": "text/plain; x=é" }, "invalid_request"],
    [{ "koboldfs-meta-a": "é" }, "invalid_metadata"],
  ])("refuses %j as %s", (headers, code) => {
    expect(() => parsePutHeaders(headers)).toThrow(refusal(code));
  });

  it("takes the same digest in both fields, and the identity encoding", () => {
    expect(
      parsePutHeaders({ "content-digest": field, "repr-digest": field, "content-encoding": "identity" }).digest,
    ).toBe(digest);
  });
});

describe("parsePrecondition", () => {
  it("keeps digests and drops tags that no file can have", () => {
    expect(parsePrecondition({ "if-match": `"${digest}", W/"${digest}", "x"` })).toEqual({ ifMatch: [digest] });
    expect(parsePrecondition({ "if-none-match": `W/"${digest}", "x"` })).toEqual({ ifNoneMatch: [digest] });
    expect(parsePrecondition({ "if-match": '"x"' })).toEqual({ ifMatch: [] });
  });

  it.each([
    { "if-match": "x" },
    { "if-none-match": `"${digest}` },
    { "if-unmodified-since": "x" },
    { "if-modified-since": "x" },
  ])("refuses %j", (headers) => {
    expect(() => parsePrecondition(headers)).toThrow(refusal("invalid_request"));
  });
});

describe("parseIdempotencyKey", () => {
  it.each([
    ["abc", "abc"],
    ['"abc"', "abc"],
    ['"a b"', "a b"],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ["x".repeat(128), "x".repeat(128)],
  ])("reads %s as %s", (header, key) => {
    expect(parseIdempotencyKey({ "idempotency-key": header })).toBe(key);
  });

  it.each(["", '""', "a b", "x".repeat(129), `"${"x".repeat(129)}"`, "é", '"a', 'a"b', '"a\\b"'])(
    "refuses %j",
    (header) => {
      expect(() => parseIdempotencyKey({ "idempotency-key": header })).toThrow(refusal("invalid_request"));
    },
  );
});
