import { type PostgresPair, startPostgresPair } from "@koboldfs/tools";
import { describe, expect, it } from "vitest";
import type { Cluster } from "./harness/cluster.js";
import { historyKindsOf } from "./harness/node-status.js";
import { mustPut } from "./harness/raw-files.js";
import { checkReadable, SteadyWriters } from "./harness/steady-writers.js";
import { givenCatalog } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";
import { checkJournal } from "./history/check-journal.js";
import { readJournal } from "./history/read-journal.js";

/** A cluster whose nodes know both database servers. */
async function withPair(
  synchronous: boolean,
  body: (cluster: Cluster, pair: PostgresPair) => Promise<void>,
): Promise<void> {
  const pair = await startPostgresPair({ synchronous });
  try {
    await withCluster({ nodes: 2, engine: "postgres", catalog: async () => givenCatalog(pair.dsn) }, (cluster) =>
      body(cluster, pair),
    );
  } finally {
    await pair.stop();
  }
}

async function waitForPuts(writers: SteadyWriters, count: number): Promise<void> {
  const before = writers.acknowledged.length;
  await waitUntil(`${count} more puts are acknowledged`, () => writers.acknowledged.length >= before + count);
}

/** Kills the primary under load, promotes the standby, and answers how long no put was acknowledged. */
async function failOver(pair: PostgresPair, writers: SteadyWriters): Promise<number> {
  await pair.primary.kill();
  const killedMs = performance.now();
  await pair.promoteStandby();
  await waitUntil("puts are acknowledged again", () => writers.acknowledged.some(({ atMs }) => atMs > killedMs + 50));
  return Math.min(...writers.acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs > killedMs + 50)) - killedMs;
}

describe("a PostgreSQL primary that is lost while nodes put", () => {
  it("is followed by its synchronous standby: nothing was to be mended, and an old primary that returns is left alone", () =>
    withPair(true, async (cluster, pair) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const writers = new SteadyWriters([a, b], 4);
      await waitForPuts(writers, 40);
      const awayMs = await failOver(pair, writers);
      console.log(`synchronous standby: no put was acknowledged for ${Math.round(awayMs)} ms`);
      await waitForPuts(writers, 20);
      // It accepts writes as before; but it was not promoted last.
      await pair.primary.restart();
      const stale = (await readJournal(pair.primary.url)).head.number;
      await waitForPuts(writers, 60);
      await writers.stop();
      expect((await readJournal(pair.primary.url)).head.number).toBe(stale);
      for (const node of [a, b]) await checkReadable(node, writers.keys);
      expect(checkJournal(await readJournal(pair.standby.url))).toEqual([]);
      expect(await historyKindsOf(cluster)).toEqual([]);
    }));

  it("is followed by an asynchronous standby that lacks the last commits: they come back from the mirrors", () =>
    withPair(false, async (cluster, pair) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const writers = new SteadyWriters([a, b], 4);
      await waitForPuts(writers, 40);
      await pair.cutReplication();
      await waitForPuts(writers, 40);
      const awayMs = await failOver(pair, writers);
      console.log(`asynchronous standby: no put was acknowledged for ${Math.round(awayMs)} ms`);
      await waitForPuts(writers, 20);
      await writers.stop();
      await waitUntil("the catalog is completed", async () => (await historyKindsOf(cluster)).length > 0);
      for (const node of [a, b]) await checkReadable(node, writers.keys);
      expect(checkJournal(await readJournal(pair.standby.url))).toEqual([]);
      expect(await mustPut(a.url, "later", "goes on")).toMatchObject({ copies: 2 });
    }));
});
