import { describe, expect, it } from "vitest";
import { parseListQuery } from "./list-query.js";

describe("parseListQuery", () => {
  it("reads what forms send", () => {
    const query = "prefix=a%2Fb+c%2B&delimiter=%2F&after=%C3%BC=&limit=7";
    expect(parseListQuery(query)).toEqual({ prefix: "a/b c+", delimiter: "/", after: "ü=", limit: 7 });
  });

  it("takes absent and empty parameters for no demand", () => {
    expect(parseListQuery("")).toEqual({ limit: 1000 });
    expect(parseListQuery("prefix=&delimiter&after=&")).toEqual({ limit: 1000 });
  });

  it.each([
    "limit=0",
    "limit=1001",
    "limit=-1",
    "limit=1e2",
    "limit=",
    "prefix=%ff",
    "after=%00",
    "prefix=a&prefix=b",
    "foo=1",
    "consistency=soon",
    "consistency=mirror&as-of=1",
    "consistency=mirror&deleted",
  ])("refuses %s", (query) => {
    expect(() => parseListQuery(query)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});
