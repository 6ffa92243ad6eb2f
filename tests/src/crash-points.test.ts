import { afterAll, describe, expect, it } from "vitest";
import { compareDisk, listNamedDigests } from "./accounting/check-writes.js";
import { CRASH_CASES, HISTORY_CASES, listUntestedPoints, STARTING_POINTS } from "./crash/crash-points.js";
import { CrashScene } from "./crash/crash-scene.js";
import { Cluster, type ClusterOptions, NAMESPACE } from "./harness/cluster.js";
import { mustGet, mustPut } from "./harness/raw-files.js";
import { useCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";
import { HASTY_CLOCK } from "./programs/hasty-clock-url.js";

const TWO_NODES: ClusterOptions = { nodes: 2, engine: "sqlite", canCrash: true, settings: { INTERVAL: "0.25" } };
/** What the group's part of the way is like depends on the engine: in SQLite's thread, or over a connection. */
const IN_SQL = CRASH_CASES.filter(({ point }) => point.startsWith("commit."));

/** Old entries go when nothing refers to what they say; the chain of groups stays whole. */
function isPruned(fault: string): boolean {
  return fault.startsWith("the rows of entries have");
}

it("every crash point is met by a test", () => {
  expect(listUntestedPoints()).toEqual([]);
});

describe("a process that dies", () => {
  const cluster = useCluster(TWO_NODES);

  it.each(CRASH_CASES)("at $point loses nothing: $who", async ({ point, driver, who }) => {
    const scene = new CrashScene(cluster(), point, `${point} of ${who}`);
    await scene.prepare();
    await driver.run(scene);
    await scene.expectOnOther();
    await scene.victim.start();
    await scene.expectWhole();
    await driver.afterwards?.(scene);
  });

  it("leaves no blob behind that outlives the reaper's hour, after all these deaths", async () => {
    const { nodes } = cluster();
    for (const node of nodes) await node.kill("SIGKILL");
    for (const node of nodes) await node.start({ preload: HASTY_CLOCK });
    const named = await listNamedDigests(cluster().node("a"));
    expect(named.size).toBeGreaterThan(0);
    for (const node of nodes) {
      await waitUntil(`nothing but what has a name is on ${node.name}`, () => {
        const { orphans, missing } = compareDisk(node, named);
        expect(missing).toEqual([]);
        return orphans.length === 0;
      });
    }
    expect(checkJournal(await readJournal(cluster().dsn)).filter((fault) => !isPruned(fault))).toEqual([]);
  });
});

describe("a process that dies, with its catalog in PostgreSQL", () => {
  const cluster = useCluster({ ...TWO_NODES, engine: "postgres" });

  it.each(IN_SQL)("at $point loses nothing: $who", async ({ point, driver, who }) => {
    const scene = new CrashScene(cluster(), point, `${point} of ${who}`);
    await scene.prepare();
    await driver.run(scene);
    await scene.expectOnOther();
    await scene.victim.start();
    await scene.expectWhole();
  });
});

describe("a process that dies while histories are mended", () => {
  const cluster = useCluster(TWO_NODES);

  it.each(HISTORY_CASES)("at $point loses nothing: $who", async ({ point, driver, who }) => {
    const scene = new CrashScene(cluster(), point, `${point} of ${who}`);
    await driver.run(scene);
    await scene.victim.start();
    if (!scene.other.isRunning) await scene.other.start();
    await scene.waitUntilMended();
    await scene.expectWhole();
    expect(checkJournal(await readJournal(cluster().dsn))).toEqual([]);
  });
});

describe.each(["sqlite", "postgres"] as const)("a process that dies while it makes the catalog in %s", (engine) => {
  const clusters: Cluster[] = [];
  afterAll(() => Promise.all(clusters.map((cluster) => cluster.close())));

  it.each(STARTING_POINTS)("at %s starts the next time", async (point) => {
    const cluster = await Cluster.prepare({ nodes: 1, engine, canCrash: true });
    clusters.push(cluster);
    const node = await cluster.prepareNode("a");
    // In the middle of all steps.
    node.orderCrash(point, 5);
    await node.startToCrash();
    await node.waitForCrash(point);
    await node.start();
    await cluster.createNamespace(NAMESPACE);
    await mustPut(node.url, "k", point);
    expect((await mustGet(node.url, "k")).toString()).toBe(point);
  });
});
