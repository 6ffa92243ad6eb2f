import { describe, expect, it } from "vitest";
import { beginByCallback, type CallbackTransaction } from "./callback-transaction.js";

type Hold = (transaction: CallbackTransaction<string>) => Promise<void>;

/** A library that writes down what it does. */
function createLibrary(query: () => Promise<[]> = async () => []) {
  const done: string[] = [];
  const run = async (hold: Hold) => {
    done.push("begin");
    try {
      await hold({ sql: "the library's own", query });
      done.push("commit");
    } catch (thrown) {
      done.push("rollback");
      throw thrown;
    }
  };
  return { done, run };
}

describe("a transaction of a library that runs it around a callback", () => {
  it("is committed when it is committed, and rolled back when it is rolled back", async () => {
    const { done, run } = createLibrary();
    const one = await beginByCallback(run);
    expect([one.sql, await one.query("select 1"), done]).toEqual(["the library's own", [], ["begin"]]);
    await one.commit();
    await (await beginByCallback(run)).rollback();
    expect(done).toEqual(["begin", "commit", "begin", "rollback"]);
  });

  it("tells when it could not begin, commit or be rolled back", async () => {
    const refuse = () => Promise.reject(new Error("no connection"));
    await expect(beginByCallback<string>(refuse)).rejects.toThrow("no connection");
    const failing = async (hold: Hold) => {
      await hold({ sql: "", query: async () => [] }).catch(() => undefined);
      throw new Error("the connection broke");
    };
    await expect((await beginByCallback(failing)).commit()).rejects.toThrow("the connection broke");
    await expect((await beginByCallback(failing)).rollback()).rejects.toThrow("the connection broke");
  });

  it("answers a statement when the library tells only of the transaction that its connection broke", async () => {
    let breakConnection = (): void => undefined;
    const broken = new Promise<never>((_, reject) => {
      breakConnection = () => reject(new Error("the connection broke"));
    });
    const unanswered = () => new Promise<[]>(() => undefined);
    const run = (hold: Hold) => Promise.race([hold({ sql: "", query: unanswered }), broken]);
    const transaction = await beginByCallback(run);
    const asked = transaction.query("select 1");
    breakConnection();
    await expect(asked).rejects.toThrow("the connection broke");
    await expect(transaction.commit()).rejects.toThrow("the connection broke");
  });
});
