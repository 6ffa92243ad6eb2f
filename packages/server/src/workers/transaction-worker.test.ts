import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestFiles, type TestFiles } from "../files/test-files.js";
import { beginOf, finishOf, putOf, stageOf, transactionRef } from "../model/test-changes.js";
import type { Clock } from "../runtime/clock.js";
import { systemClock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import { silentLogger } from "../runtime/logger.js";
import { HistoryWorker } from "./history-worker.js";
import { TransactionWorker } from "./transaction-worker.js";

const { id: FIRST } = transactionRef(1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe("TransactionWorker", () => {
  let test: TestFiles;
  let warnings: object[];
  let log: Logger;
  beforeEach(async () => {
    test = await openTestFiles();
    warnings = [];
    log = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
  });
  afterEach(() => test.close());

  function workerAt(aheadMs: number, holder = "a"): TransactionWorker {
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs, monotonic: systemClock.monotonic };
    return new TransactionWorker({ catalog: test.catalog, holder, clock, log });
  }

  async function put(number: number, key: string) {
    return test.catalog.commit(stageOf(number, putOf(key, key, { placedOn: [test.idOf("self")] })));
  }

  it("aborts open transactions whose time is over, and no others", async () => {
    await test.catalog.commitAll([beginOf(1, 1000), beginOf(2), beginOf(3, 1000)]);
    await put(1, "a");
    await put(2, "b");
    await test.catalog.commit(finishOf("prepare", 3));
    await expect.poll(() => test.catalog.listExpiredTransactions(10), { timeout: 10_000 }).toHaveLength(1);
    expect(await workerAt(0).step()).toBe("idle");
    expect(await test.catalog.findTransaction(FIRST)).toMatchObject({ state: "aborted", reason: "expired" });
    expect(await test.catalog.listStaged(FIRST, 10)).toEqual([]);
    const unfinished = await test.catalog.listUnfinishedTransactions();
    expect(unfinished.map(({ state }) => state).sort()).toEqual(["open", "prepared"]);
  });

  it("warns once in a while of a transaction that is prepared for too long", async () => {
    await test.catalog.commit(beginOf(1));
    await test.catalog.commit(finishOf("prepare", 1));
    await workerAt(0).step();
    expect(warnings).toEqual([]);
    const worker = workerAt(HOUR_MS);
    await worker.step();
    await worker.step();
    expect(warnings).toMatchObject([{ event: "transaction_in_doubt", transaction: FIRST }]);
  });

  it("keeps what became of a transaction for 30 days, and not for ever", async () => {
    await test.catalog.commitAll([beginOf(1), beginOf(2), beginOf(3)]);
    await put(3, "waits");
    await test.catalog.commitAll([finishOf("commit", 1), finishOf("abort", 2), finishOf("prepare", 3)]);
    const prune = test.catalog.pruneTransactions.bind(test.catalog);
    const stepAfter = async (days: number) => {
      test.catalog.pruneTransactions = (olderThanMs, limit) => prune(olderThanMs - days * DAY_MS, limit);
      expect(await workerAt(0).step()).toBe("idle");
      const { transactions } = await test.catalog.listTransactions({ limit: 10 });
      return transactions.map(({ state }) => state);
    };
    for (const days of [0, 29, 30]) expect(await stepAfter(days)).toEqual(["committed", "aborted", "prepared"]);
    const again = await test.catalog.commitAll([finishOf("commit", 1), finishOf("abort", 2)]);
    expect(again).toMatchObject([{ transaction: { state: "committed" } }, { transaction: { state: "aborted" } }]);
    expect(await stepAfter(32)).toEqual(["prepared"]);
  });

  it("leaves the work to whoever has the lease", async () => {
    await test.catalog.commitAll([beginOf(1, 1000)]);
    await expect.poll(() => test.catalog.listExpiredTransactions(10), { timeout: 10_000 }).toHaveLength(1);
    await test.catalog.acquireLease("transactions", "another", 60_000);
    expect(await workerAt(0).step()).toBe("idle");
    expect(await test.catalog.findTransaction(FIRST)).toMatchObject({ state: "open" });
  });

  it("keeps the history of a prepared transaction's namespaces while it waits", async () => {
    const place = { placedOn: [test.idOf("self")] };
    await test.catalog.commitAll([putOf("old", "1", place), beginOf(1)]);
    await put(1, "a");
    const { version } = (await test.catalog.commit(finishOf("prepare", 1))) as { version: number };
    await test.catalog.commit(putOf("old", "2", place));
    await test.catalog.commit({
      kind: "set-namespace",
      namespace: putOf("x").namespace,
      policy: { minCopies: 1, retentionMs: 0 },
    });
    await new HistoryWorker({ catalog: test.catalog, holder: "a" }).step();
    const [before] = await test.catalog.listHorizons();
    expect(before?.horizon).toBeLessThan(version);
    await test.catalog.commit(finishOf("abort", 1));
    await new HistoryWorker({ catalog: test.catalog, holder: "a" }).step();
    const [after] = await test.catalog.listHorizons();
    expect(after?.horizon).toBeGreaterThan(version);
  });
});
