import { describe, expect, it } from "vitest";
import { plainStatement } from "../catalog/sql/sql-connection.js";
import { SqliteConnection } from "../catalog/sql/sqlite/sqlite-connection.js";
import { MemoryMirror } from "../mirror/memory/memory-mirror.js";
import type { Change } from "../model/change.js";
import { deleteOf, putOf, setNamespaceOf, setNodeOf } from "../model/test-changes.js";
import { TEST_CLUSTER } from "../model/test-model-catalog.js";
import { systemClock } from "../runtime/clock.js";
import { HistoryRebuild } from "./history-rebuild.js";
import type { HistorySource } from "./history-source.js";
import { asSource, damagedSourceOf, groupsOf, openEmptyCatalog, sourceOf } from "./test-recovery.js";

const COMMON: readonly Change[] = [setNamespaceOf(), setNodeOf(1), putOf("a"), putOf("b"), putOf("a", "again")];
const GROUPS = groupsOf([...COMMON, deleteOf("b"), putOf("c")]);
const FIND_BLOB_INDEX = plainStatement("select name from sqlite_master where name = 'journal_by_digest'");
const OTHER = groupsOf([...COMMON, putOf("x"), putOf("y"), putOf("z")]);

async function rebuild(...sources: HistorySource[]) {
  const catalog = await openEmptyCatalog();
  const history = new HistoryRebuild({ catalog, sources, outcomesSinceMs: 0 });
  await history.copyGroups();
  return { catalog, history };
}

describe("HistoryRebuild", () => {
  it("takes the longest of mirrors of one history", async () => {
    const sources = [await sourceOf("short", GROUPS.slice(0, 4)), await sourceOf("long", GROUPS)];
    const { catalog, history } = await rebuild(...sources);
    expect(await catalog.listGroups(0, 100)).toEqual(GROUPS);
    expect(await history.listBranches()).toEqual([]);
    expect(history.listSources().map(({ name, number }) => [name, number])).toEqual([
      ["long", 7],
      ["short", 4],
    ]);
  });

  it("goes on from another mirror where the chain of the longest one is broken, and comes back to it", async () => {
    const damaged = await damagedSourceOf("damaged", GROUPS, 4);
    const { catalog, history } = await rebuild(damaged, await sourceOf("shorter", GROUPS.slice(0, 6)));
    expect(await catalog.listGroups(0, 100)).toEqual(GROUPS);
    expect(history.listSources()[0]).toMatchObject({ name: "damaged", brokenAt: 4 });
    expect(await history.listBranches()).toEqual([]);
  });

  it("takes what is sound when no other mirror has more, and says where it ends", async () => {
    const { catalog, history } = await rebuild(await damagedSourceOf("damaged", GROUPS, 4));
    expect((await catalog.head()).number).toBe(3);
    expect(history.listSources()).toMatchObject([{ number: 7, brokenAt: 4, reason: expect.any(String) }]);
    expect(await history.listBranches()).toEqual([]);
  });

  it("follows the newest epoch even where it is shorter, and finds what the other side has", async () => {
    const sources = [await sourceOf("longer", OTHER, 1), await sourceOf("newer", GROUPS, 2)];
    const { catalog, history } = await rebuild(...sources);
    expect(await catalog.listGroups(0, 100)).toEqual(GROUPS);
    expect(history.newestEpoch).toBe(2);
    const fork = { number: 5, hash: GROUPS[4]?.hash };
    expect(await history.listBranches()).toEqual([{ name: "longer", fork, groups: OTHER.slice(5) }]);
  });

  it("finds what a mirror had split off and nobody joined yet", async () => {
    const mirror = new MemoryMirror(TEST_CLUSTER);
    await mirror.append(OTHER);
    await mirror.splitOff({ number: 5, hash: OTHER[4]?.hash ?? "" });
    await mirror.append(GROUPS.slice(5));
    const { history } = await rebuild(asSource("split", mirror));
    expect(await history.listBranches()).toMatchObject([{ name: "split", groups: OTHER.slice(5) }]);
  });

  it("makes the index over digests when all groups are in, also behind a run that died before that", async () => {
    let path = "";
    const catalog = await openEmptyCatalog((made) => (path = made));
    const hasIndex = async () => {
      const connection = await SqliteConnection.open(path, { clock: systemClock });
      const { rows } = await connection.run(FIND_BLOB_INDEX);
      await connection.close();
      return rows.length === 1;
    };
    expect(await hasIndex()).toBe(true);
    await catalog.rebuildJournal(GROUPS.slice(0, 4), 0);
    expect(await hasIndex()).toBe(false);
    const sources = [await sourceOf("all", GROUPS)];
    await new HistoryRebuild({ catalog, sources, outcomesSinceMs: 0 }).copyGroups();
    expect(await hasIndex()).toBe(true);
  });

  it("goes on where an earlier run ended, and refuses to go on behind another history", async () => {
    const { catalog } = await rebuild(await sourceOf("first", GROUPS.slice(0, 6)));
    const again = async (source: HistorySource) => {
      await new HistoryRebuild({ catalog, sources: [source], outcomesSinceMs: 0 }).copyGroups();
    };
    await expect(again(await sourceOf("other", OTHER))).rejects.toMatchObject({ code: "catalog_not_empty" });
    await again(await sourceOf("second", GROUPS));
    expect(await catalog.listGroups(0, 100)).toEqual(GROUPS);
  });
});
