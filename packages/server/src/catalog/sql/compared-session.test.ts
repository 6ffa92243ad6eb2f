import { describe, expect, it } from "vitest";
import type { KnownHistory } from "../../model/commit-view.js";
import { openComparedSession } from "./compared-session.js";
import { sqliteDialect } from "./sqlite/sqlite-dialect.js";
import { createCatalogQueries } from "./queries/catalog-queries.js";
import type { SqlConnection } from "./sql-connection.js";

const queries = createCatalogQueries(sqliteDialect);
const hash = (digit: string) => digit.repeat(64);

/** Whether the node was told that a session with this head lacks what it knows. */
async function isToldOf(head: KnownHistory, known: KnownHistory): Promise<boolean> {
  let isTold = false;
  const row = { head_number: head.number, head_hash: Buffer.from(head.hash, "hex"), time_ms: 1, epoch: head.epoch };
  const session = { run: async () => ({ rows: [row] }) } as unknown as SqlConnection;
  const witness = { known: () => known, confirm: async () => 0, noteDoubt: () => void (isTold = true) };
  expect(await openComparedSession({ connect: async () => session, queries, witness })).toBe(session);
  return isTold;
}

describe("openComparedSession", () => {
  const known = { number: 5, hash: hash("a"), epoch: 1 };

  it("is silent of a catalog that has what is known, and may have gone on", async () => {
    expect(await isToldOf(known, known)).toBe(false);
    expect(await isToldOf({ number: 6, hash: hash("b"), epoch: 2 }, known)).toBe(false);
  });

  it("tells of one that ends earlier, has another entry there, or was replaced", async () => {
    expect(await isToldOf({ ...known, number: 4 }, known)).toBe(true);
    expect(await isToldOf({ ...known, hash: hash("b") }, known)).toBe(true);
    expect(await isToldOf({ number: 6, hash: hash("b"), epoch: 0 }, known)).toBe(true);
  });

  it("closes a session that cannot be compared", async () => {
    let isDestroyed = false;
    const run = () => Promise.reject(new Error("cut"));
    const session = { run, destroy: () => void (isDestroyed = true) } as unknown as SqlConnection;
    const witness = { known: () => known, confirm: async () => 0, noteDoubt: () => {} };
    await expect(openComparedSession({ connect: async () => session, queries, witness })).rejects.toThrow("cut");
    expect(isDestroyed).toBe(true);
  });
});
