import type { FileKey, NamespaceName } from "@koboldfs/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TransactionId } from "../model/transaction.js";
import type { PutRequest } from "./put-request.js";
import { DEMO, openTestFiles, type TestFiles } from "./test-files.js";

const KEY = "key" as FileKey;
const OTHER = "other" as NamespaceName;
const TRANSACTION = { id: "0".repeat(32) as TransactionId, owner: "somebody" };

let test: TestFiles;
beforeAll(async () => {
  test = await openTestFiles();
});
afterEach(() => test.context.reads.setTrusted(true));
afterAll(() => test.close());

function put(more: Partial<PutRequest>) {
  const body = (async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("bytes");
  })();
  return test.files.put({ namespace: DEMO, key: KEY, body, contentType: "text/plain", metadata: {}, ...more });
}

describe("a catalog that lacks what this node knows", () => {
  it.each([
    ["a put in a transaction that it does not have", "transaction_not_found", () => put({ transaction: TRANSACTION })],
    [
      "a put under a condition that does not hold there",
      "precondition_failed",
      () => put({ precondition: { ifMatch: "*" } }),
    ],
    ["a put in a namespace that it does not have", "namespace_not_found", () => put({ namespace: OTHER })],
    [
      "a batch in a namespace that it does not have",
      "namespace_not_found",
      () => test.files.batch({ namespace: OTHER, operations: [{ kind: "delete", key: KEY }] }),
    ],
    ["a version that it does not have", "version_not_found", () => test.files.history.getVersion(DEMO, KEY, 7)],
  ])("is no reason to refuse %s for good", async (_what, refusal, attempt) => {
    await expect(attempt()).rejects.toMatchObject({ code: refusal });
    test.context.reads.setTrusted(false);
    await expect(attempt()).rejects.toMatchObject({ code: "catalog_behind" });
  });

  it("lets through what it does not refuse: the commit looks at its history", async () => {
    test.context.reads.setTrusted(false);
    // The witness of this one knows of nothing more, so that the commit refuses nothing.
    expect(await put({})).toMatchObject({ copies: 1 });
  });
});
