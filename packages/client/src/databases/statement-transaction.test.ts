import { describe, expect, it } from "vitest";
import { beginByStatement } from "./statement-transaction.js";

/** A connection that notes what is done with it, and fails at one statement. */
function connect(failsAt?: string) {
  const log: string[] = [];
  const connection = {
    sql: "the driver's own",
    query: async (text: string) => {
      log.push(text);
      if (text === failsAt) throw new Error(`no ${text}`);
      return [{ answer: text }];
    },
    giveBack: (isBroken: boolean) => void log.push(isBroken ? "broken" : "good"),
  };
  return { log, begin: () => beginByStatement(connection, "begin") };
}

describe("a transaction of statements", () => {
  it.each(["commit", "rollback"] as const)("keeps its connection to itself until its %s", async (end) => {
    const { log, begin } = connect();
    const transaction = await begin();
    expect([transaction.sql, await transaction.query("select 1")]).toEqual([
      "the driver's own",
      [{ answer: "select 1" }],
    ]);
    expect(log).toEqual(["begin", "select 1"]);
    await transaction[end]();
    expect(log.slice(2)).toEqual([end, "good"]);
  });

  it("gives its connection back as a broken one when it could not begin", async () => {
    const { log, begin } = connect("begin");
    await expect(begin()).rejects.toThrow("no begin");
    expect(log).toEqual(["begin", "broken"]);
  });

  it.each(["commit", "rollback"] as const)("gives it back as a broken one, once, when its %s failed", async (end) => {
    const { log, begin } = connect(end);
    const transaction = await begin();
    await expect(transaction[end]()).rejects.toThrow(`no ${end}`);
    expect(log).toEqual(["begin", end, "broken"]);
  });

  it("keeps it after a statement that failed: its owner rolls back", async () => {
    const { log, begin } = connect("select 1");
    const transaction = await begin();
    await expect(transaction.query("select 1")).rejects.toThrow("no select 1");
    await transaction.rollback();
    expect(log.slice(1)).toEqual(["select 1", "rollback", "good"]);
  });
});
