import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, walkPages } from "./lister.js";

const file = (key: string) => ({
  key,
  digest: "0".repeat(64),
  size: 0,
  version: 1,
  contentType: "",
  metadata: {},
  modified: "",
});

describe("compareKeys", () => {
  it("orders keys as their UTF-8 bytes are ordered", () => {
    const keys = fc.string({ unit: "binary", maxLength: 8 });
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

describe("a listing", () => {
  it("fetches one page ahead and no more", async () => {
    const asked: (string | undefined)[] = [];
    const pages = walkPages(async (after) => {
      asked.push(after);
      const number = Number(after ?? 0) + 1;
      return { files: [file(`${number}`)], prefixes: [], next: String(number) };
    }, undefined);
    await pages.next();
    expect(asked).toEqual([undefined, "1"]);
    await pages.return(undefined);
  });

  it("mixes files and prefixes in byte order", async () => {
    const page = { files: [file("a"), file("c")], prefixes: ["b/", "d/"] };
    const names: string[] = [];
    for await (const entry of walkPages(async () => page, undefined)) {
      names.push("prefix" in entry ? entry.prefix : entry.key);
    }
    expect(names).toEqual(["a", "b/", "c", "d/"]);
  });

  it("does not trouble a reader who left early with the failure of the page that he never wanted", async () => {
    let calls = 0;
    const pages = walkPages(async () => {
      calls += 1;
      if (calls > 1) throw new Error("the second page fails");
      return { files: [file("a")], prefixes: [], next: "a" };
    }, undefined);
    expect((await pages.next()).value).toMatchObject({ key: "a" });
    await pages.return(undefined);
  });
});
