import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type SeededRandom, seededRandom } from "./harness/random.js";
import type { Cluster } from "./harness/cluster.js";
import { reasonOf, whyEngineIsMissing } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { checkJournal } from "./history/check-journal.js";
import { checkTransactions } from "./history/check-transactions.js";
import { readJournal } from "./history/read-journal.js";
import { recordTransactions } from "./history/record-transactions.js";

/** How long each engine's clients go on: at least one round of faults, and as many as fit. */
const SECONDS = Number(process.env["KOBOLDFS_TEST_HISTORY_SECONDS"] ?? 5);

const missing = await whyEngineIsMissing("mariadb");
const engines = [
  { engine: "sqlite", nodes: 2, why: undefined },
  { engine: "postgres", nodes: 3, why: undefined },
  { engine: "mariadb", nodes: 2, why: missing },
] as const;

describe("concurrent transactions over the same keys, while nodes are killed and stand still", () => {
  for (const { engine, nodes, why } of engines) {
    it.skipIf(why !== undefined)(
      `have an order that explains everything that anybody saw (${engine})${reasonOf(why)}`,
      () => withCluster({ nodes, engine }, (cluster) => run(cluster, ["first", "second"])),
      (SECONDS + 300) * 1_000,
    );
  }
});

/** One node dies and comes back, then the other one stands still for a while. */
async function disturb(cluster: Cluster, random: SeededRandom): Promise<void> {
  const [first, second] = random.next() < 0.5 ? ["a", "b"] : ["b", "a"];
  await sleep(random.between(1_000, 2_000));
  const victim = cluster.node(first as string);
  await victim.kill("SIGKILL");
  await sleep(random.between(0, 1_000));
  await victim.start();
  await sleep(random.between(200, 800));
  const frozen = cluster.node(second as string);
  await frozen.kill("SIGSTOP");
  await sleep(random.between(500, 2_500));
  await frozen.kill("SIGCONT");
  await cluster.waitUntilAllSeeAll();
}

async function run(cluster: Cluster, namespaces: readonly string[]): Promise<void> {
  const random = seededRandom("concurrent transactions");
  const endMs = performance.now() + SECONDS * 1_000;
  const recording = await recordTransactions({ cluster, random, namespaces }, async () => {
    do await disturb(cluster, random);
    while (performance.now() < endMs);
  });
  console.log(JSON.stringify(Object.fromEntries(recording.counts)));
  expect(checkTransactions(recording.history)).toEqual([]);
  // Enough that the check says something, however slow the machine is.
  expect(recording.counts.get("committed")).toBeGreaterThan(5);
  expect(recording.counts.get("not committed")).toBeGreaterThan(2);
  expect(recording.counts.get("looks as of a number")).toBeGreaterThan(5);
  await cluster.waitUntilSettled();
  expect(checkJournal(await readJournal(cluster.dsn))).toEqual([]);
}
