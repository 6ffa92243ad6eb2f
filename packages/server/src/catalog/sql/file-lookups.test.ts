import { parseFileKey } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import type { FileRecord } from "../../model/change.js";
import type { FileRef } from "../../model/commit-view.js";
import { contentOf, NAMESPACE } from "../../model/test-changes.js";
import { FileLookups } from "./file-lookups.js";

function refOf(key: string): FileRef {
  return { namespace: NAMESPACE, key: parseFileKey(key) };
}

function recordOf(ref: FileRef): FileRecord {
  return { ...ref, ...contentOf(ref.key), version: 1, modified: new Date(0) };
}

describe("FileLookups", () => {
  it("asks at once when nothing runs, and then for everything that waits together, each key once", async () => {
    const asked: string[][] = [];
    const answers: (() => void)[] = [];
    const lookups = new FileLookups(async (refs) => {
      asked.push(refs.map((ref) => ref.key));
      await new Promise<void>((resolve) => answers.push(resolve));
      return refs.filter((ref) => ref.key !== "missing").map(recordOf);
    });
    const found = ["a", "b", "c", "missing", "c"].map((key) => lookups.find(refOf(key)));
    expect(asked).toEqual([["a"], ["b"]]);
    answers[0]?.();
    await found[0];
    expect(asked[2]).toEqual(["c", "missing"]);
    for (const answer of answers) answer();
    const files = await Promise.all(found);
    expect(files.map((file) => file?.key)).toEqual(["a", "b", "c", undefined, "c"]);
  });

  it("tells everyone who shared a query that failed, and asks again for the next", async () => {
    let failures = 1;
    const lookups = new FileLookups(async (refs) => {
      if (failures-- > 0) throw new Error("away");
      return refs.map(recordOf);
    });
    await expect(lookups.find(refOf("a"))).rejects.toThrow("away");
    expect(await lookups.find(refOf("a"))).toMatchObject({ key: "a" });
  });
});
